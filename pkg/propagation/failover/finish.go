package failover

import (
	"fmt"
	"slices"
	"time"

	policyv1alpha1 "github.com/karmada-io/karmada/pkg/apis/policy/v1alpha1"
	workv1alpha2 "github.com/karmada-io/karmada/pkg/apis/work/v1alpha2"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/utils/ptr"

	"atoll.dev/atoll/pkg/propagation/twin"
)

// finish ends tasks whose copies are not needed any more. The copy goes when the task does.
//
//	suppressDeletion true    stays, whatever happens
//	suppressDeletion false   ends: the user has confirmed it
//	cluster gone             ends: there is no copy
//	taken over               ends: placed, and healthy wherever it is placed
//	grace period over        ends if it is placed in full and healthy anywhere else; stays otherwise
//
// A copy in a lost cluster cannot be deleted before the cluster is back, so that is when it is decided:
// by then it may be the only one.
func finish(v *verdict, b twin.Binding, c circumstances) error {
	took := takenOver(b, c)
	v.tasks = slices.DeleteFunc(v.tasks, func(t workv1alpha2.GracefulEvictionTask) bool {
		p := c.place(t.FromCluster)
		done := false
		switch {
		case t.SuppressDeletion != nil:
			done = !*t.SuppressDeletion
		case p == nil:
			done = true
		case c.stopped && !p.confirmed:
		case took:
			done = v.reachable(t, p, c)
		default:
			over := t.CreationTimestamp.Add(gracePeriod(t, c))
			if over.After(c.now) {
				v.wake(over)
				return false
			}
			if why := onlyCopy(b, c); why != "" {
				v.held[t.FromCluster] = why
				return false
			}
			done = v.reachable(t, p, c)
		}
		if done {
			v.finished = append(v.finished, t.FromCluster)
		}
		return done
	})
	return nil
}

// reachable tells whether a copy can be deleted now. A cluster that has just come back gets time for its
// taints to be taken off, which withdraws the task.
func (v *verdict) reachable(t workv1alpha2.GracefulEvictionTask, p *place, c circumstances) bool {
	if p.confirmed {
		return true
	}
	if p.lost {
		v.held[t.FromCluster] = "the cluster cannot be reached"
		return false
	}
	if back := p.since.Add(c.returnGrace); p.since.After(t.CreationTimestamp.Time) && back.After(c.now) && !direct(t) {
		v.wake(back)
		return false
	}
	return true
}

func gracePeriod(t workv1alpha2.GracefulEvictionTask, c circumstances) time.Duration {
	if t.GracePeriodSeconds != nil {
		return time.Duration(*t.GracePeriodSeconds) * time.Second
	}
	return c.gracePeriod
}

// takenOver tells whether the scheduler has placed the workload as it is now, and it is healthy wherever it is placed.
func takenOver(b twin.Binding, c circumstances) bool {
	return b.Status.SchedulerObservedGeneration == b.GetGeneration() && placed(b) &&
		!slices.ContainsFunc(b.Spec.Clusters, func(t workv1alpha2.TargetCluster) bool { return !c.home(t.Name, b) })
}

// onlyCopy tells why the copies that are being evicted must stay, empty if they need not.
func onlyCopy(b twin.Binding, c circumstances) string {
	if !placed(b) {
		if s := meta.FindStatusCondition(b.Status.Conditions, workv1alpha2.Scheduled); s != nil && s.Status != "True" {
			return fmt.Sprintf("nothing fits elsewhere: %s", s.Message)
		}
		return "nothing fits elsewhere"
	}
	if !slices.ContainsFunc(b.Spec.Clusters, func(t workv1alpha2.TargetCluster) bool { return c.home(t.Name, b) }) {
		return "no other cluster has a healthy copy"
	}
	return ""
}

// placed tells whether there is a place for the whole workload without the clusters that it is evicted from.
func placed(b twin.Binding) bool {
	return Replaced(b.Spec) && !meta.IsStatusConditionFalse(b.Status.Conditions, workv1alpha2.Scheduled)
}

// Replaced tells whether spec.clusters holds the whole workload, so that copies elsewhere can be spared.
func Replaced(spec *workv1alpha2.ResourceBindingSpec) bool {
	if len(spec.Clusters) == 0 {
		return false
	}
	if !divided(spec) {
		return true
	}
	var sum int64
	for _, t := range spec.Clusters {
		sum += int64(t.Replicas)
	}
	return sum >= int64(spec.Replicas)
}

// divided tells whether the clusters share the replicas, and not each have all.
func divided(spec *workv1alpha2.ResourceBindingSpec) bool {
	return spec.Replicas > 0 && spec.Placement != nil && spec.Placement.ReplicaSchedulingType() == policyv1alpha1.ReplicaSchedulingTypeDivided
}

// direct tells whether the old copy goes before new ones come. Immediately is the old name.
func direct(t workv1alpha2.GracefulEvictionTask) bool {
	return t.PurgeMode == policyv1alpha1.PurgeModeDirectly || t.PurgeMode == policyv1alpha1.Immediately
}

// suppressed tells whether only the user ends a task.
func suppressed(t workv1alpha2.GracefulEvictionTask) bool {
	return ptr.Deref(t.SuppressDeletion, false)
}
