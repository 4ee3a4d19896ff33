package aggregate

import (
	"slices"
	"strings"
	"time"

	workv1alpha1 "github.com/karmada-io/karmada/pkg/apis/work/v1alpha1"
	workv1alpha2 "github.com/karmada-io/karmada/pkg/apis/work/v1alpha2"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/sets"

	"atoll.dev/atoll/pkg/propagation/work"
)

// itemsOf returns what the Works say of the template, by cluster name.
func itemsOf(works []workv1alpha1.Work, ref workv1alpha2.ObjectReference) []workv1alpha2.AggregatedStatusItem {
	gvk := schema.FromAPIVersionAndKind(ref.APIVersion, ref.Kind)
	items := make([]workv1alpha2.AggregatedStatusItem, 0, len(works))
	for i := range works {
		w := &works[i]
		if !w.DeletionTimestamp.IsZero() {
			continue
		}
		item := workv1alpha2.AggregatedStatusItem{ClusterName: work.Cluster(w), Health: workv1alpha2.ResourceUnknown}
		if c := work.Applied(w); c != nil && c.Status == metav1.ConditionTrue {
			item.Applied = true
			for _, s := range w.Status.ManifestStatuses {
				if s.Identifier == work.Identifier(s.Identifier.Ordinal, gvk, ref.Namespace, ref.Name) {
					item.Status = s.Status
					item.Health = workv1alpha2.ResourceHealth(s.Health)
					break
				}
			}
		} else if c != nil {
			item.AppliedMessage = c.Message
		}
		items = append(items, item)
	}
	slices.SortFunc(items, byCluster)
	return items
}

// withRefusals has the items of clusters say why there is no Work as there should be. What an earlier
// one brought there still runs, so that what is known of it stays.
func withRefusals(items []workv1alpha2.AggregatedStatusItem, refused map[string]string) []workv1alpha2.AggregatedStatusItem {
	for cluster, reason := range refused {
		i := slices.IndexFunc(items, func(item workv1alpha2.AggregatedStatusItem) bool { return item.ClusterName == cluster })
		if i < 0 {
			i = len(items)
			items = append(items, workv1alpha2.AggregatedStatusItem{ClusterName: cluster, Health: workv1alpha2.ResourceUnknown})
		}
		items[i].Applied, items[i].AppliedMessage = false, reason
	}
	slices.SortFunc(items, byCluster)
	return items
}

func byCluster(a, b workv1alpha2.AggregatedStatusItem) int {
	return strings.Compare(a.ClusterName, b.ClusterName)
}

// fullyApplied says, in Karmada's words, whether every cluster that should have the template has it.
func fullyApplied(items []workv1alpha2.AggregatedStatusItem, clusters sets.Set[string]) metav1.Condition {
	all := clusters.Len() > 0 && len(items) == clusters.Len()
	for _, item := range items {
		all = all && item.Applied && clusters.Has(item.ClusterName)
	}
	if all {
		return metav1.Condition{Type: workv1alpha2.FullyApplied, Status: metav1.ConditionTrue,
			Reason: "FullyAppliedSuccess", Message: "All works have been successfully applied"}
	}
	return metav1.Condition{Type: workv1alpha2.FullyApplied, Status: metav1.ConditionFalse,
		Reason: "FullyAppliedFailed", Message: "Failed to apply all works, see status.aggregatedStatus for details"}
}

// undecided tells whether some cluster that should have the template has not been heard of.
func undecided(works []workv1alpha1.Work, clusters sets.Set[string]) bool {
	heard := 0
	for i := range works {
		if work.Applied(&works[i]) != nil {
			heard++
		}
	}
	return heard < clusters.Len()
}

// A status that changes all the time is written once a settle window while it is small, and no more
// than so many bytes of it in a second when it has many clusters.
const bytesPerSecond = 256 << 10

// rest is how long a binding with these items rests after they were written.
func rest(items []workv1alpha2.AggregatedStatusItem) time.Duration {
	const item = 100 // names of fields, and what is always there
	bytes := 0
	for i := range items {
		bytes += item + len(items[i].ClusterName) + len(items[i].AppliedMessage)
		if items[i].Status != nil {
			bytes += len(items[i].Status.Raw)
		}
	}
	return time.Duration(bytes) * time.Second / bytesPerSecond
}

// news tells whether more changed than numbers: which clusters there are, whether they have the
// template and how it is doing there. Only that is worth an event; that a cluster is lost or back is
// told of the cluster, not once more of everything that it has.
func news(was, is []workv1alpha2.AggregatedStatusItem) bool {
	return !slices.EqualFunc(was, is, func(a, b workv1alpha2.AggregatedStatusItem) bool {
		return a.ClusterName == b.ClusterName && a.Applied == b.Applied && sameHealth(a.Health, b.Health) && (a.Status == nil) == (b.Status == nil)
	})
}

func sameHealth(a, b workv1alpha2.ResourceHealth) bool {
	return a == b || a == workv1alpha2.ResourceUnknown || b == workv1alpha2.ResourceUnknown
}
