package status

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	clusterv1alpha1 "github.com/karmada-io/karmada/pkg/apis/cluster/v1alpha1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/discovery"
)

// apis is what a member was found to serve.
type apis struct {
	enablements []clusterv1alpha1.APIEnablement
	condition   metav1.Condition
}

// discover lists what the member serves, sorted. Groups whose server does not answer are missing
// from the list and the condition says so.
func discover(d discovery.DiscoveryInterface) apis {
	_, lists, err := d.ServerGroupsAndResources()
	a := apis{enablements: enablementsOf(lists)}
	a.condition = metav1.Condition{Type: clusterv1alpha1.ClusterConditionCompleteAPIEnablements, Status: metav1.ConditionFalse}
	switch {
	case len(a.enablements) == 0:
		a.condition.Reason, a.condition.Message = "Empty", "collected empty APIEnablements from the cluster"
	case err != nil:
		a.condition.Reason = "Partial"
		a.condition.Message = fmt.Sprintf("might collect partial APIEnablements(%d) from the cluster", len(a.enablements))
	default:
		a.condition.Status, a.condition.Reason = metav1.ConditionTrue, "Complete"
		a.condition.Message = "collected complete APIEnablements from the cluster"
	}
	return a
}

func (a apis) complete() bool { return a.condition.Status == metav1.ConditionTrue }

// enablementsOf leaves out subresources and sorts by group version and resource.
func enablementsOf(lists []*metav1.APIResourceList) []clusterv1alpha1.APIEnablement {
	var out []clusterv1alpha1.APIEnablement
	for _, list := range lists {
		e := clusterv1alpha1.APIEnablement{GroupVersion: list.GroupVersion}
		for _, r := range list.APIResources {
			if !strings.Contains(r.Name, "/") {
				e.Resources = append(e.Resources, clusterv1alpha1.APIResource{Name: r.Name, Kind: r.Kind})
			}
		}
		slices.SortStableFunc(e.Resources, func(x, y clusterv1alpha1.APIResource) int { return cmp.Compare(x.Name, y.Name) })
		out = append(out, e)
	}
	slices.SortStableFunc(out, func(x, y clusterv1alpha1.APIEnablement) int { return cmp.Compare(x.GroupVersion, y.GroupVersion) })
	return out
}
