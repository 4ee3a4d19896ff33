package tree

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	clusterv1alpha1 "github.com/karmada-io/karmada/pkg/apis/cluster/v1alpha1"
	workv1alpha1 "github.com/karmada-io/karmada/pkg/apis/work/v1alpha1"
	workv1alpha2 "github.com/karmada-io/karmada/pkg/apis/work/v1alpha2"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"atoll.dev/atoll/apis/karmada/wellknown"
)

// ofBinding hangs the target clusters under a binding.
func (c *Collector) ofBinding(ctx context.Context, b binding) (*Node, error) {
	n := &Node{Kind: bindingKind(b.Namespace), Namespace: b.Namespace, Name: b.Name}
	for _, target := range b.spec.Clusters {
		leaf, err := c.ofTarget(ctx, b, target)
		if err != nil {
			return nil, err
		}
		n.Children = append(n.Children, leaf)
	}
	for _, task := range b.spec.GracefulEvictionTasks {
		n.Children = append(n.Children, (&Node{Kind: "Cluster", Name: task.FromCluster, Since: task.CreationTimestamp}).
			is(metav1.ConditionUnknown, "Evicting", "%s", strings.TrimSpace("is being left, "+task.Reason+": "+task.Message)))
	}
	scheduled := meta.FindStatusCondition(b.status.Conditions, workv1alpha2.Scheduled)
	switch {
	case b.DeletionTimestamp != nil:
		n.is(metav1.ConditionFalse, "Deleting", "the binding is being deleted")
	case b.spec.Suspension != nil && b.spec.Suspension.Scheduling != nil && *b.spec.Suspension.Scheduling:
		n.is(metav1.ConditionUnknown, "Suspended", "scheduling is suspended")
	case scheduled == nil:
		n.is(metav1.ConditionUnknown, "Pending", "not scheduled yet; is the scheduler running?")
	case scheduled.Status != metav1.ConditionTrue:
		n.fromCondition(scheduled)
	case len(b.spec.Clusters) == 0:
		n.is(metav1.ConditionFalse, scheduled.Reason, "scheduled to no cluster: %s", scheduled.Message)
	default:
		n.Since = &scheduled.LastTransitionTime
	}
	return n.weigh("clusters"), nil
}

// ofTarget says how far the template got in one cluster. What is earliest on the way there is told first.
func (c *Collector) ofTarget(ctx context.Context, b binding, target workv1alpha2.TargetCluster) (*Node, error) {
	n := &Node{Kind: "Cluster", Name: target.Name}
	cluster, ok := c.clusters[target.Name]
	if !ok {
		return n.is(metav1.ConditionFalse, "ClusterMissing", "no cluster of that name is joined"), nil
	}
	work, err := c.karmada.WorkV1alpha1().Works(wellknown.ExecutionNamespace(target.Name)).
		Get(ctx, wellknown.WorkName(b.spec.Resource.Kind, b.spec.Resource.Name, b.spec.Resource.Namespace), metav1.GetOptions{})
	if err != nil && !apierrors.IsNotFound(err) {
		return nil, fmt.Errorf("reading the work for cluster %s: %w", target.Name, err)
	}
	missing := err != nil
	item := aggregated(b, target.Name)
	detail := replicas(target, item)
	c.clusterReady(n, cluster)
	if n.Ready != metav1.ConditionTrue {
		n.Message = strings.TrimSuffix(n.Message+"; last known: "+detail, "; last known: ")
		return n, nil
	}
	n.Since = nil
	if missing {
		return n.is(metav1.ConditionUnknown, "Pending", "not dispatched yet"), nil
	}
	if applied := meta.FindStatusCondition(work.Status.Conditions, workv1alpha1.WorkApplied); applied == nil {
		n.is(metav1.ConditionUnknown, "Dispatching", "not applied yet")
		if d := meta.FindStatusCondition(work.Status.Conditions, workv1alpha1.WorkDispatching); d != nil && d.Status == metav1.ConditionFalse {
			n.fromCondition(d).Ready = metav1.ConditionUnknown
		}
		return n, nil
	} else if applied.Status != metav1.ConditionTrue {
		return n.fromCondition(applied), nil
	}
	switch {
	case item == nil:
		return n.is(metav1.ConditionUnknown, "Applied", "applied, its status is not back yet"), nil
	case !item.Applied:
		return n.is(metav1.ConditionFalse, "NotApplied", "%s", item.AppliedMessage), nil
	case item.Health == workv1alpha2.ResourceUnhealthy:
		return n.is(metav1.ConditionFalse, "Unhealthy", "%s", detail), nil
	case item.Health == workv1alpha2.ResourceHealthy:
		return n.is(metav1.ConditionTrue, "Healthy", "%s", detail), nil
	default: // a kind that nobody can tell the health of
		return n.is(metav1.ConditionTrue, "Applied", "%s", detail), nil
	}
}

func (c *Collector) clusterReady(n *Node, cluster *clusterv1alpha1.Cluster) {
	cond := meta.FindStatusCondition(cluster.Status.Conditions, clusterv1alpha1.ClusterConditionReady)
	switch {
	case cluster.DeletionTimestamp != nil:
		n.is(metav1.ConditionFalse, "Unjoining", "the cluster is being unjoined")
	case cond == nil:
		n.is(metav1.ConditionUnknown, "Pending", "the cluster was not looked at yet")
	default:
		n.fromCondition(cond)
	}
}

func aggregated(b binding, cluster string) *workv1alpha2.AggregatedStatusItem {
	i := slices.IndexFunc(b.status.AggregatedStatus, func(s workv1alpha2.AggregatedStatusItem) bool { return s.ClusterName == cluster })
	if i < 0 {
		return nil
	}
	return &b.status.AggregatedStatus[i]
}

// replicas says "2 of 3 replicas ready", if the kind has replicas.
func replicas(target workv1alpha2.TargetCluster, item *workv1alpha2.AggregatedStatusItem) string {
	if item == nil || item.Status == nil {
		return ""
	}
	status := struct {
		Replicas      *int32 `json:"replicas"`
		ReadyReplicas int32  `json:"readyReplicas"`
	}{}
	if json.Unmarshal(item.Status.Raw, &status) != nil {
		return ""
	}
	want := target.Replicas
	if want == 0 && status.Replicas != nil {
		want = *status.Replicas
	}
	if want == 0 && status.Replicas == nil {
		return ""
	}
	return fmt.Sprintf("%d of %d replicas ready", status.ReadyReplicas, want)
}

// summary says the same of the template, whose status is the sum over its clusters.
func summary(obj *unstructured.Unstructured) string {
	ready, _, _ := unstructured.NestedInt64(obj.Object, "status", "readyReplicas")
	want, found, _ := unstructured.NestedInt64(obj.Object, "status", "replicas")
	if !found {
		return ""
	}
	return fmt.Sprintf("%d of %d replicas ready", ready, want)
}
