package aggregate

import (
	"slices"
	"time"

	workv1alpha1 "github.com/karmada-io/karmada/pkg/apis/work/v1alpha1"
	workv1alpha2 "github.com/karmada-io/karmada/pkg/apis/work/v1alpha2"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/sets"

	"atoll.dev/atoll/pkg/propagation/work"
)

// After a start refusals are not known until bindings have been rendered again. For startup at most,
// what stands on a binding is believed, and looked at again every startupPause.
const (
	startup      = time.Minute
	startupPause = 500 * time.Millisecond
)

// unexplained tells whether some cluster was refused, says the binding, although its Work, if it has
// one, has said nothing of that since the start.
func unexplained(was, is []workv1alpha2.AggregatedStatusItem, works []workv1alpha1.Work, clusters sets.Set[string], started time.Time) bool {
	for _, old := range was {
		if old.Applied || old.AppliedMessage == "" || !clusters.Has(old.ClusterName) {
			continue
		}
		if slices.ContainsFunc(is, func(item workv1alpha2.AggregatedStatusItem) bool {
			return item.ClusterName == old.ClusterName && !item.Applied && item.AppliedMessage != ""
		}) {
			continue
		}
		if !slices.ContainsFunc(works, func(w workv1alpha1.Work) bool {
			c := work.Applied(&w)
			return work.Cluster(&w) == old.ClusterName && c != nil && c.Status == metav1.ConditionTrue && !c.LastTransitionTime.Time.Before(started)
		}) {
			return true
		}
	}
	return false
}
