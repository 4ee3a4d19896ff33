package failover

import (
	"fmt"
	"slices"
	"time"

	policyv1alpha1 "github.com/karmada-io/karmada/pkg/apis/policy/v1alpha1"
	workv1alpha2 "github.com/karmada-io/karmada/pkg/apis/work/v1alpha2"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	"atoll.dev/atoll/pkg/propagation/twin"
)

// The producers of evictions because of an application's failure, as Karmada names them.
const (
	applicationProducer        = "resource-binding-application-failover-controller"
	clusterApplicationProducer = "cluster-resource-binding-application-failover-controller"
)

// evictTainted evicts clusters whose taints the workload does not tolerate any longer.
func evictTainted(v *verdict, b twin.Binding, c circumstances) error {
	if b.Spec.Placement == nil {
		return nil
	}
	var behavior *policyv1alpha1.ClusterFailoverBehavior
	if b.Spec.Failover != nil {
		behavior = b.Spec.Failover.Cluster
	}
	for _, target := range b.Spec.Clusters {
		p := c.place(target.Name)
		if p == nil {
			continue // the scheduler's business
		}
		due, why, ok := untolerated(p.taints, b.Spec.Placement.ClusterTolerations)
		if !ok {
			continue
		}
		if p.lost && !p.confirmed {
			if sure := p.since.Add(c.confirmation); sure.After(due) {
				due = sure
			}
		}
		switch {
		case due.After(c.now):
			v.wake(due)
			continue
		case c.stopped && !p.confirmed:
			continue
		}
		task := workv1alpha2.GracefulEvictionTask{
			PurgeMode: c.purgeMode, Producer: workv1alpha2.EvictionProducerTaintManager,
			Reason: workv1alpha2.EvictionReasonTaintUntolerated, Message: shortened(why),
		}
		if behavior != nil {
			if behavior.PurgeMode != "" {
				task.PurgeMode = behavior.PurgeMode
			}
			state, err := preserved(behavior.StatePreservation, b.Status.AggregatedStatus, target.Name)
			if err != nil {
				return &evictError{cluster: target.Name, cause: err}
			}
			task.PreservedLabelState = state
		}
		if task.PurgeMode == policyv1alpha1.Never {
			task.SuppressDeletion = ptr.To(true)
		}
		v.evict(target, task, b.Spec.Clusters, c.now)
	}
	return nil
}

// evictFailing evicts clusters in which the workload has been unhealthy for too long, unless it is known
// already that there is no room elsewhere. What is known of lost clusters is old, and of many that are
// lost at once nothing is believed.
func evictFailing(v *verdict, b twin.Binding, c circumstances) error {
	if !failsOver(b.Spec) || c.stopped || meta.IsStatusConditionFalse(b.Status.Conditions, workv1alpha2.Scheduled) {
		return nil
	}
	behavior := b.Spec.Failover.Application
	for _, target := range b.Spec.Clusters {
		p := c.place(target.Name)
		if p == nil || p.lost || !v.targets(target.Name) {
			continue
		}
		since, patience, ok := c.failing(target.Name)
		if !ok {
			continue
		}
		if due := since.Add(patience); due.After(c.now) {
			v.wake(due)
			continue
		}
		task := workv1alpha2.GracefulEvictionTask{
			PurgeMode: behavior.PurgeMode, Producer: applicationProducer, Reason: workv1alpha2.EvictionReasonApplicationFailure,
			Message: fmt.Sprintf("unhealthy since %s", since.UTC().Format(time.RFC3339)),
		}
		if b.GetNamespace() == "" {
			task.Producer = clusterApplicationProducer
		}
		switch behavior.PurgeMode {
		case "":
			task.PurgeMode = policyv1alpha1.PurgeModeGracefully
			fallthrough
		case policyv1alpha1.PurgeModeGracefully, policyv1alpha1.Graciously: // the old name is still served
			task.GracePeriodSeconds = behavior.GracePeriodSeconds
		case policyv1alpha1.Never:
			task.SuppressDeletion = ptr.To(true)
		}
		state, err := preserved(behavior.StatePreservation, b.Status.AggregatedStatus, target.Name)
		if err != nil {
			return &evictError{cluster: target.Name, cause: err}
		}
		task.PreservedLabelState = state
		v.evict(target, task, b.Spec.Clusters, c.now)
	}
	return nil
}

// failsOver tells whether the binding leaves clusters in which it is unhealthy. As in Karmada only one
// whose dependencies come along does.
func failsOver(spec *workv1alpha2.ResourceBindingSpec) bool {
	return spec.Failover != nil && spec.Failover.Application != nil && spec.PropagateDeps
}

// evict moves a target to the tasks, unless there is one for it.
func (v *verdict) evict(target workv1alpha2.TargetCluster, task workv1alpha2.GracefulEvictionTask, before []workv1alpha2.TargetCluster, now time.Time) {
	v.clusters = slices.DeleteFunc(v.clusters, func(t workv1alpha2.TargetCluster) bool { return t.Name == target.Name })
	v.evicted = append(v.evicted, target.Name)
	if slices.ContainsFunc(v.tasks, func(t workv1alpha2.GracefulEvictionTask) bool { return t.FromCluster == target.Name }) {
		return
	}
	task.FromCluster = target.Name
	task.CreationTimestamp = &metav1.Time{Time: now}
	if target.Replicas > 0 {
		task.Replicas = ptr.To(target.Replicas)
	}
	for _, t := range before {
		task.ClustersBeforeFailover = append(task.ClustersBeforeFailover, t.Name)
	}
	v.tasks = append(v.tasks, task)
}

func (v *verdict) targets(cluster string) bool {
	return slices.ContainsFunc(v.clusters, func(t workv1alpha2.TargetCluster) bool { return t.Name == cluster })
}

// evictError means that a cluster cannot be evicted.
type evictError struct {
	cluster string
	cause   error
}

func (e *evictError) Error() string {
	return fmt.Sprintf("evicting from cluster %s: %v", e.cluster, e.cause)
}
func (e *evictError) Unwrap() error { return e.cause }

// messageLimit is how long a task's message may be.
const messageLimit = 1024

func shortened(text string) string {
	if len(text) > messageLimit {
		return text[:messageLimit]
	}
	return text
}
