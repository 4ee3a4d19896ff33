package propagation_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	clusterv1alpha1 "github.com/karmada-io/karmada/pkg/apis/cluster/v1alpha1"
	workv1alpha1 "github.com/karmada-io/karmada/pkg/apis/work/v1alpha1"
	workv1alpha2 "github.com/karmada-io/karmada/pkg/apis/work/v1alpha2"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"atoll.dev/atoll/apis/karmada/wellknown"
	"atoll.dev/atoll/pkg/propagation/dispatch"
)

// A flood of deletions is held in the member, over a restart too, until somebody lets it go.
func TestFloodOfDeletionsIsHeld(t *testing.T) {
	r := newRig(t, 1)
	r.policy("all", nil, configMaps)
	r.settleNamespace()
	m := r.members[0]
	const n = 30
	for i := range n {
		r.create(r.configMap(fmt.Sprintf("cm%d", i), "a"))
	}
	for i := range n {
		r.inAll(r.configMap(fmt.Sprintf("cm%d", i), ""), nil)
	}
	r.quiet()
	left := func() int {
		var list corev1.ConfigMapList
		if err := m.List(t.Context(), &list, client.InNamespace(r.namespace), client.MatchingLabels{wellknown.ManagedLabel: "true"}); err != nil {
			t.Fatal(err)
		}
		return len(list.Items)
	}
	// The bindings go as they would if a policy were changed by mistake, all at once.
	if err := r.plane.DeleteAllOf(t.Context(), &corev1.ConfigMap{}, client.InNamespace(r.namespace)); err != nil {
		t.Fatal(err)
	}
	if err := r.plane.DeleteAllOf(t.Context(), &workv1alpha2.ResourceBinding{}, client.InNamespace(r.namespace)); err != nil {
		t.Fatal(err)
	}
	cluster := &clusterv1alpha1.Cluster{ObjectMeta: metav1.ObjectMeta{Name: m.name}}
	held := func(want bool) func(context.Context) error {
		return func(ctx context.Context) error {
			if err := r.plane.Get(ctx, client.ObjectKeyFromObject(cluster), cluster); err != nil {
				return err
			}
			if c := meta.FindStatusCondition(cluster.Status.Conditions, dispatch.DeletionsHeld); c == nil || (c.Status == metav1.ConditionTrue) != want {
				return fmt.Errorf("%+v", c)
			}
			return nil
		}
	}
	r.eventually("held", held(true))
	r.quiet()
	stayed := left()
	if stayed < n-20 {
		t.Fatalf("%d of %d are left, want at least %d", stayed, n, n-20)
	}
	// Nothing else is held up.
	r.create(r.configMap("new", "a"))
	r.inAll(r.configMap("new", ""), nil)

	for range 2 { // kills do not wear it down
		r.restart()
		r.quiet()
		if now := left(); now != stayed+1 {
			t.Fatalf("%d are left after a restart, want %d", now, stayed+1)
		}
	}
	r.eventually("an event on the Cluster", func(ctx context.Context) error {
		var events corev1.EventList
		if err := r.plane.List(ctx, &events); err != nil {
			return err
		}
		for _, e := range events.Items {
			if e.Reason == "TooManyDeletions" && e.InvolvedObject.Name == m.name && strings.Contains(e.Message, dispatch.ReleaseDeletionsAnnotation) {
				return nil
			}
		}
		return errors.New("there is none")
	})
	r.patch(r.plane, cluster, fmt.Sprintf(`{"metadata":{"annotations":{%q:"%d"}}}`, dispatch.ReleaseDeletionsAnnotation, n))
	r.eventually("released", func(context.Context) error {
		if now := left(); now != 1 {
			return fmt.Errorf("%d are left", now)
		}
		return nil
	})
	r.eventually("no longer held", held(false))
}

// What a namespace holds is deleted before it.
func TestOrderOfDeletion(t *testing.T) {
	r := newRig(t, 1)
	r.policy("all", nil, configMaps)
	r.settleNamespace()
	m := r.members[0]
	r.create(r.configMap("cm", "a"))
	r.inAll(r.configMap("cm", ""), nil)
	r.quiet()
	release := m.hold() // both deletions are there before either can be made
	if err := r.plane.Delete(t.Context(), r.configMap("cm", "")); err != nil {
		t.Fatal(err)
	}
	if err := client.IgnoreNotFound(r.plane.DeleteAllOf(t.Context(), &workv1alpha2.ResourceBinding{}, client.InNamespace(r.namespace))); err != nil {
		t.Fatal(err)
	}
	namespace := &workv1alpha1.Work{ObjectMeta: metav1.ObjectMeta{Namespace: wellknown.ExecutionNamespace(m.name), Name: wellknown.WorkName("Namespace", r.namespace, "")}}
	if err := r.plane.Delete(t.Context(), namespace); err != nil {
		t.Fatal(err)
	}
	r.eventually("both Works are to go", func(ctx context.Context) error {
		for _, name := range []string{namespace.Name, wellknown.WorkName("ConfigMap", "cm", r.namespace)} {
			var w workv1alpha1.Work
			if err := r.plane.Get(ctx, client.ObjectKey{Namespace: namespace.Namespace, Name: name}, &w); err != nil || w.DeletionTimestamp.IsZero() {
				return fmt.Errorf("%s: %v, %w", name, w.DeletionTimestamp, err)
			}
		}
		return nil
	})
	release()
	r.gone(m, r.configMap("cm", ""))
	r.eventually("the namespace is deleted, too", func(ctx context.Context) error {
		var ns corev1.Namespace
		err := m.Get(ctx, client.ObjectKey{Name: r.namespace}, &ns)
		if err == nil && ns.DeletionTimestamp.IsZero() {
			return errors.New("it is there")
		}
		return client.IgnoreNotFound(err)
	})
	order := m.writes.deletions()
	at := func(end string) int {
		return slices.IndexFunc(order, func(path string) bool { return strings.HasSuffix(path, end) })
	}
	if first, then := at("/configmaps/cm"), at("/namespaces/"+r.namespace); first < 0 || then < first {
		t.Errorf("deletions at %d and %d of %v", first, then, order)
	}
}
