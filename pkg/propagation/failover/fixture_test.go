package failover

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	policyv1alpha1 "github.com/karmada-io/karmada/pkg/apis/policy/v1alpha1"
	workv1alpha2 "github.com/karmada-io/karmada/pkg/apis/work/v1alpha2"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	"atoll.dev/atoll/pkg/propagation/twin"
)

// noon is now, unless a test says otherwise.
var noon = time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)

func at(seconds int) time.Time        { return noon.Add(time.Duration(seconds) * time.Second) }
func metaAt(seconds int) *metav1.Time { return ptr.To(metav1.NewTime(at(seconds))) }

// world is a set of clusters, and the standard circumstances in it.
type world map[string]*place

// clusters are ready since an hour ago.
func clusters(names ...string) world {
	w := world{}
	for _, name := range names {
		w[name] = &place{name: name, since: at(-3600)}
	}
	return w
}

func (w world) lost(name string, since int) world {
	w[name].lost, w[name].since = true, at(since)
	return w
}

func (w world) back(name string, since int) world {
	w[name].lost, w[name].since = false, at(since)
	return w
}

func (w world) tainted(name string, added int) world {
	w[name].taints = []corev1.Taint{{Key: "down", Effect: corev1.TaintEffectNoExecute, TimeAdded: metaAt(added)}}
	return w
}

func (w world) confirmed(name string) world {
	w[name].confirmed = true
	return w
}

func (w world) circumstances() circumstances {
	return circumstances{
		now: noon, place: func(name string) *place { return w[name] }, purgeMode: policyv1alpha1.PurgeModeGracefully,
		gracePeriod: DefaultGracePeriod, returnGrace: DefaultReturnGrace, confirmation: DefaultConfirmation,
		failing: func(string) (time.Time, time.Duration, bool) { return time.Time{}, 0, false },
	}
}

// targets reads "a:2 b:1".
func targets(text string) []workv1alpha2.TargetCluster {
	var all []workv1alpha2.TargetCluster
	for _, part := range strings.Fields(text) {
		name, count, _ := strings.Cut(part, ":")
		n, _ := strconv.Atoi(count)
		all = append(all, workv1alpha2.TargetCluster{Name: name, Replicas: int32(n)})
	}
	return all
}

func written(all []workv1alpha2.TargetCluster) string {
	var parts []string
	for _, t := range all {
		parts = append(parts, fmt.Sprintf("%s:%d", t.Name, t.Replicas))
	}
	return strings.Join(parts, " ")
}

func taskNames(tasks []workv1alpha2.GracefulEvictionTask) string {
	var names []string
	for _, t := range tasks {
		names = append(names, t.FromCluster)
	}
	return strings.Join(names, " ")
}

// app returns a binding of a workload that is divided over the targets and that the scheduler has
// placed as it is. Edits follow in order.
func app(placed string, edits ...func(*workv1alpha2.ResourceBinding)) twin.Binding {
	b := &workv1alpha2.ResourceBinding{ObjectMeta: metav1.ObjectMeta{Namespace: "test", Name: "app-deployment", Generation: 5}}
	b.Spec.Resource = workv1alpha2.ObjectReference{APIVersion: "apps/v1", Kind: "Deployment", Namespace: "test", Name: "app"}
	b.Spec.Clusters = targets(placed)
	for _, t := range b.Spec.Clusters {
		b.Spec.Replicas += t.Replicas
	}
	b.Spec.Placement = &policyv1alpha1.Placement{ReplicaScheduling: &policyv1alpha1.ReplicaSchedulingStrategy{
		ReplicaSchedulingType: policyv1alpha1.ReplicaSchedulingTypeDivided,
	}}
	b.Status.SchedulerObservedGeneration = 5
	b.Status.Conditions = []metav1.Condition{{Type: workv1alpha2.Scheduled, Status: metav1.ConditionTrue}}
	for _, edit := range edits {
		edit(b)
	}
	return twin.BindingOf(b)
}

type edit = func(*workv1alpha2.ResourceBinding)

func duplicated(replicas int32) edit {
	return func(b *workv1alpha2.ResourceBinding) {
		b.Spec.Replicas = replicas
		b.Spec.Placement.ReplicaScheduling.ReplicaSchedulingType = policyv1alpha1.ReplicaSchedulingTypeDuplicated
	}
}

func replicas(n int32) edit { return func(b *workv1alpha2.ResourceBinding) { b.Spec.Replicas = n } }

func atMost(n int) edit {
	return func(b *workv1alpha2.ResourceBinding) {
		b.Spec.Placement.SpreadConstraints = []policyv1alpha1.SpreadConstraint{{SpreadByField: policyv1alpha1.SpreadByFieldCluster, MinGroups: 1, MaxGroups: n}}
	}
}

func tolerates(seconds int64) edit {
	return func(b *workv1alpha2.ResourceBinding) {
		b.Spec.Placement.ClusterTolerations = append(b.Spec.Placement.ClusterTolerations,
			corev1.Toleration{Key: "down", Operator: corev1.TolerationOpExists, TolerationSeconds: &seconds})
	}
}

// health sets the status of clusters: "a=Healthy b=Unhealthy".
func health(text string) edit {
	return func(b *workv1alpha2.ResourceBinding) {
		for _, part := range strings.Fields(text) {
			name, state, _ := strings.Cut(part, "=")
			b.Status.AggregatedStatus = append(b.Status.AggregatedStatus, workv1alpha2.AggregatedStatusItem{
				ClusterName: name, Applied: true, Health: workv1alpha2.ResourceHealth(state),
			})
		}
	}
}

func unscheduled(reason string) edit {
	return func(b *workv1alpha2.ResourceBinding) {
		b.Status.SchedulerObservedGeneration--
		b.Status.Conditions = []metav1.Condition{{Type: workv1alpha2.Scheduled, Status: metav1.ConditionFalse, Reason: reason, Message: "no room"}}
	}
}

func unobserved(b *workv1alpha2.ResourceBinding) { b.Status.SchedulerObservedGeneration-- }

// evictedFrom adds the task of a taint.
func evictedFrom(cluster string, n int32, created int, before string, edits ...func(*workv1alpha2.GracefulEvictionTask)) edit {
	return func(b *workv1alpha2.ResourceBinding) {
		t := workv1alpha2.GracefulEvictionTask{
			FromCluster: cluster, Replicas: ptr.To(n), PurgeMode: policyv1alpha1.PurgeModeGracefully, CreationTimestamp: metaAt(created),
			Reason: workv1alpha2.EvictionReasonTaintUntolerated, Producer: workv1alpha2.EvictionProducerTaintManager,
			ClustersBeforeFailover: strings.Fields(before),
		}
		for _, edit := range edits {
			edit(&t)
		}
		b.Spec.GracefulEvictionTasks = append(b.Spec.GracefulEvictionTasks, t)
	}
}

func failedApplication(t *workv1alpha2.GracefulEvictionTask) {
	t.Reason, t.Producer = workv1alpha2.EvictionReasonApplicationFailure, applicationProducer
}

func suppress(on bool) func(*workv1alpha2.GracefulEvictionTask) {
	return func(t *workv1alpha2.GracefulEvictionTask) { t.SuppressDeletion = &on }
}

func applicationFailover(f policyv1alpha1.ApplicationFailoverBehavior) edit {
	return func(b *workv1alpha2.ResourceBinding) {
		b.Spec.PropagateDeps = true
		b.Spec.Failover = &policyv1alpha1.FailoverBehavior{Application: &f}
	}
}

func clusterFailover(f policyv1alpha1.ClusterFailoverBehavior) edit {
	return func(b *workv1alpha2.ResourceBinding) { b.Spec.Failover = &policyv1alpha1.FailoverBehavior{Cluster: &f} }
}

// outcome is what a test wants of a verdict: the targets, the clusters of the tasks, and when to look again.
type outcome struct {
	placed, tasks string
	again         time.Time
}

func (o outcome) check(t *testing.T, v verdict) {
	t.Helper()
	if got := written(v.clusters); got != o.placed {
		t.Errorf("placed %q, want %q", got, o.placed)
	}
	if got := taskNames(v.tasks); got != o.tasks {
		t.Errorf("tasks of %q, want %q", got, o.tasks)
	}
	if !v.again.Equal(o.again) {
		t.Errorf("looks again at %v, want %v", v.again, o.again)
	}
}
