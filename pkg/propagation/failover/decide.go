package failover

import (
	"slices"
	"time"

	policyv1alpha1 "github.com/karmada-io/karmada/pkg/apis/policy/v1alpha1"
	workv1alpha2 "github.com/karmada-io/karmada/pkg/apis/work/v1alpha2"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"atoll.dev/atoll/pkg/propagation/twin"
)

// circumstances are what a decision about a binding is based on, beside the binding itself.
type circumstances struct {
	now time.Time
	// place returns nil for a cluster that is not there.
	place func(name string) *place
	// stopped tells that nothing is evicted, because many clusters are lost at once.
	stopped bool
	// gracePeriod, returnGrace and confirmation are the Options of these names, purgeMode that of tasks of
	// bindings that do not say.
	gracePeriod, returnGrace, confirmation time.Duration
	purgeMode                              policyv1alpha1.PurgeMode
	// failing returns since when the workload is unhealthy in a cluster, and how long it must be.
	failing func(cluster string) (since time.Time, patience time.Duration, ok bool)
}

// verdict is what becomes of a binding.
type verdict struct {
	clusters []workv1alpha2.TargetCluster
	tasks    []workv1alpha2.GracefulEvictionTask
	// The clusters that are evicted, whose tasks end, and that go back, and those whose copies stay though
	// the grace period is over, with the reason.
	evicted, finished, withdrawn []string
	held                         map[string]string
	// nothingElse are those of withdrawn that go back because there is nowhere else to go.
	nothingElse []string
	// again is when time alone may change the verdict, zero for never.
	again time.Time
}

// decide takes one kind of step at a time, as each changes what the others are judged by: evictions
// first, as a cluster that is to be left is no new home; then withdrawals; then the ends of tasks.
func decide(b twin.Binding, c circumstances) (verdict, error) {
	v := verdict{clusters: slices.Clone(b.Spec.Clusters), held: map[string]string{}}
	for _, t := range b.Spec.GracefulEvictionTasks {
		t := *t.DeepCopy()
		if t.CreationTimestamp.IsZero() {
			t.CreationTimestamp = &metav1.Time{Time: c.now}
		}
		v.tasks = append(v.tasks, t)
	}
	for _, step := range []func(*verdict, twin.Binding, circumstances) error{evictTainted, evictFailing, withdraw, finish} {
		if err := step(&v, b, c); err != nil {
			return verdict{}, err
		}
		if len(v.evicted)+len(v.withdrawn) > 0 {
			return v, nil
		}
	}
	return v, nil
}

// wake notes that time may change the verdict at t.
func (v *verdict) wake(t time.Time) {
	if v.again.IsZero() || t.Before(v.again) {
		v.again = t
	}
}

// leaves tells whether the workload has to leave the cluster because of a taint, now.
func (c circumstances) leaves(p *place, spec *workv1alpha2.ResourceBindingSpec) bool {
	if spec.Placement == nil {
		return false
	}
	due, _, ok := untolerated(p.taints, spec.Placement.ClusterTolerations)
	return ok && !due.After(c.now)
}

// well tells whether the workload is known to run well in a cluster.
func (c circumstances) well(cluster string, b twin.Binding) bool {
	p, item := c.place(cluster), itemOf(b.Status.AggregatedStatus, cluster)
	return p != nil && !p.lost && item != nil && item.Applied && item.Health == workv1alpha2.ResourceHealthy
}

// home tells whether the workload runs well in a cluster, and may stay there.
func (c circumstances) home(cluster string, b twin.Binding) bool {
	return c.well(cluster, b) && !c.leaves(c.place(cluster), b.Spec)
}
