package foundation

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/watch"
)

// TestLatency measures, on a quiet control plane, how long a Deployment takes
// from its creation to its presence in all three members and to its status on
// the template. It prints the medians; thresholds belong to benchmarks.
func TestLatency(t *testing.T) {
	const samples = 15
	namespace := newNamespace(t)
	createPolicy(t, namespace, policy("all", duplicated(), selectKind("apps/v1", "Deployment")))
	// The first one also creates the namespace in the members.
	measure(t, namespace, "warm-up")
	var present, reported []time.Duration
	for i := range samples {
		p, r := measure(t, namespace, fmt.Sprintf("web-%02d", i))
		present, reported = append(present, p), append(reported, r)
	}
	slices.Sort(present)
	slices.Sort(reported)
	t.Logf("created to present in %d members: median %s, worst %s", joined, present[samples/2], present[samples-1])
	t.Logf("created to status of all on the template: median %s, worst %s", reported[samples/2], reported[samples-1])
	t.Attr("present-median", present[samples/2].String())
	t.Attr("reported-median", reported[samples/2].String())
}

// measure creates a Deployment and returns when it was seen everywhere and when
// its status was complete, both from before its creation.
func measure(t *testing.T, namespace, name string) (present, reported time.Duration) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), timeout)
	defer cancel()
	only := metav1.ListOptions{FieldSelector: "metadata.name=" + name}
	arrived := make(chan error, joined)
	for _, m := range fleet.members {
		watcher, err := m.kube.AppsV1().Deployments(namespace).Watch(ctx, only)
		must(t, err)
		defer watcher.Stop()
		go func() {
			for event := range watcher.ResultChan() {
				if event.Type == watch.Added {
					arrived <- nil
					return
				}
			}
			arrived <- fmt.Errorf("%s: the watch ended before the deployment came", m.Name)
		}()
	}
	began := time.Now()
	_, err := fleet.plane.kube.AppsV1().Deployments(namespace).Create(ctx, deployment(name, 1), metav1.CreateOptions{})
	must(t, err)
	for range joined {
		must(t, <-arrived)
	}
	present = time.Since(began)
	eventually(t, "the status", statusIs(namespace, name, joined))
	return present, time.Since(began)
}
