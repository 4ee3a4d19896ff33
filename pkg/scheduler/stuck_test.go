package scheduler_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	testclock "k8s.io/utils/clock/testing"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	policyv1alpha1 "github.com/karmada-io/karmada/pkg/apis/policy/v1alpha1"

	"atoll.dev/atoll/pkg/membership/capacity"
	"atoll.dev/atoll/pkg/scheduler"
	"atoll.dev/atoll/pkg/scheduler/deschedule"
	"atoll.dev/atoll/pkg/scheduler/history"
	. "atoll.dev/atoll/pkg/scheduler/internal/fixture"
)

// views tells of members what a test says.
type views struct {
	observe func(cluster string, v *capacity.View)
}

func (v *views) Subscribe(observe func(cluster string, v *capacity.View)) { v.observe = observe }

// testStuck has a scheduler learn of pods that are unschedulable, and wait for them by a timer of its queue.
func (s *server) testStuck(t *testing.T) {
	const dwell = 200 * time.Millisecond
	s.addCluster(t, Cluster("stuck", Pods(6)))
	object := ResourceBinding("web", Deployment(6, policyv1alpha1.Placement{ReplicaScheduling: Dynamic(), ClusterAffinity: ptr.To(Named("stuck", "free"))}))
	must(t, s.Create(t.Context(), object))
	source := &views{}
	clk := testclock.NewFakePassiveClock(time.Now())
	stop := s.run(t, scheduler.Options{Views: source, Clock: clk, Deschedule: deschedule.Options{Dwell: dwell}})
	wants := func(clusters, moved, cause string) {
		t.Helper()
		eventually(t, "web is on "+clusters, func(ctx context.Context) error {
			if err := s.Get(ctx, client.ObjectKeyFromObject(object), object); err != nil {
				return err
			}
			if fmt.Sprint(object.Spec.Clusters) != clusters {
				return fmt.Errorf("clusters %v", object.Spec.Clusters)
			}
			return nil
		})
		if d := history.Of(object.Annotations); len(d) == 0 || d[0].Moved != moved || d[0].Cause != cause {
			t.Errorf("recorded %+v, want %q because %q", d, moved, cause)
		}
	}
	wants("[{stuck 6}]", "+stuck:6", "it had not been placed before")
	s.addCluster(t, Cluster("free", Pods(20)))

	clk.SetTime(clk.Now().Add(time.Hour))
	patched := s.patches.Load()
	source.observe("stuck", &capacity.View{Stuck: map[capacity.Workload][]time.Time{
		{Kind: "Deployment", Namespace: "default", Name: "web"}: slices.Repeat([]time.Time{clk.Now()}, 2),
	}})
	clk.SetTime(clk.Now().Add(dwell)) // whether it was looked at before or not
	wants("[{free 2} {stuck 4}]", "+free:2 -stuck:2", "2 replicas were unschedulable in cluster stuck for 200ms or longer")
	eventually(t, "the outcome is written", func(context.Context) error {
		if n := s.patches.Load() - patched; n != 2 {
			return fmt.Errorf("%d patches, want one of the decision and one of the status", n)
		}
		return nil
	})
	stop()
	for _, o := range []client.Object{object, Cluster("stuck"), Cluster("free")} {
		must(t, s.Delete(t.Context(), o))
	}
}
