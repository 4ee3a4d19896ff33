package aggregate

import (
	"context"
	"fmt"
	"slices"
	"time"

	clusterv1alpha1 "github.com/karmada-io/karmada/pkg/apis/cluster/v1alpha1"
	workv1alpha1 "github.com/karmada-io/karmada/pkg/apis/work/v1alpha1"
	workv1alpha2 "github.com/karmada-io/karmada/pkg/apis/work/v1alpha2"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/klog/v2"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"atoll.dev/atoll/apis/karmada/wellknown"
	"atoll.dev/atoll/pkg/propagation/twin"
)

// When contact with a cluster is lost or regained, all its bindings change. They are looked at after
// contactSettles, so that a binding on many clusters that are lost together is written once, and
// from then on contactRate in a second, so that nothing else is held up.
const (
	contactSettles = 3 * time.Second
	contactRate    = 200
)

// lostSince returns since when the cluster is not Ready, and false if it is, if nobody has judged it
// yet, or if there is no such cluster.
func lostSince(c *clusterv1alpha1.Cluster) (metav1.Time, bool) {
	ready := meta.FindStatusCondition(c.Status.Conditions, clusterv1alpha1.ClusterConditionReady)
	if ready == nil || ready.Status == metav1.ConditionTrue {
		return metav1.Time{}, false
	}
	return ready.LastTransitionTime, true
}

// lost returns the clusters of the items that there is no contact with, and since when.
func (a *Aggregator) lost(ctx context.Context, items []workv1alpha2.AggregatedStatusItem) (map[string]metav1.Time, error) {
	lost := map[string]metav1.Time{}
	for i := range items {
		var c clusterv1alpha1.Cluster
		err := a.opts.Client.Get(ctx, types.NamespacedName{Name: items[i].ClusterName}, &c, client.UnsafeDisableDeepCopy)
		if apierrors.IsNotFound(err) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("reading Cluster %s: %w", items[i].ClusterName, err)
		}
		if since, is := lostSince(&c); is {
			lost[c.Name] = since
		}
	}
	return lost, nil
}

// markStale has the items of lost clusters say so: their health is not known, and what they show is
// the last that was heard. Whether the template was applied stays as it was known: a cluster that is
// out of reach need not have lost anything.
func markStale(items []workv1alpha2.AggregatedStatusItem, lost map[string]metav1.Time) {
	for i := range items {
		item := &items[i]
		since, is := lost[item.ClusterName]
		if !is {
			continue
		}
		said := item.AppliedMessage
		item.Health = workv1alpha2.ResourceUnknown
		item.AppliedMessage = fmt.Sprintf("Cluster %s has not been ready since %s: this is the last that was heard of it.",
			item.ClusterName, since.UTC().Format(time.RFC3339))
		if said != "" {
			item.AppliedMessage += " " + said
		}
	}
}

// current returns the items without the statuses of lost clusters: what was ready there must not
// count for ever.
func current(items []workv1alpha2.AggregatedStatusItem, lost map[string]metav1.Time) []workv1alpha2.AggregatedStatusItem {
	if len(lost) == 0 {
		return items
	}
	items = slices.Clone(items)
	for i := range items {
		if _, is := lost[items[i].ClusterName]; is {
			items[i].Status = nil
		}
	}
	return items
}

func (a *Aggregator) clusterChanged(ctx context.Context, old, new client.Object) {
	if old == nil || new == nil {
		return // bindings are looked at for reasons of their own
	}
	was, wasLost := lostSince(old.(*clusterv1alpha1.Cluster))
	is, isLost := lostSince(new.(*clusterv1alpha1.Cluster))
	if wasLost == isLost && was.Equal(&is) {
		return
	}
	var works workv1alpha1.WorkList
	err := a.opts.Client.List(ctx, &works, client.InNamespace(wellknown.ExecutionNamespace(new.GetName())), client.UnsafeDisableDeepCopy)
	if err != nil {
		klog.FromContext(ctx).Error(err, "Listing the Works of a cluster whose readiness changed", "cluster", new.GetName())
		return
	}
	for i := range works.Items {
		if key, ok := twin.BindingOfWork(works.Items[i].GetAnnotations()); ok {
			a.queue.AddAfter(key, contactSettles+time.Duration(i)*time.Second/contactRate)
		}
	}
}
