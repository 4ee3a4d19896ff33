package scheduler_test

import (
	"context"
	"fmt"
	"testing"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	policyv1alpha1 "github.com/karmada-io/karmada/pkg/apis/policy/v1alpha1"
	workv1alpha2 "github.com/karmada-io/karmada/pkg/apis/work/v1alpha2"

	"atoll.dev/atoll/apis/karmada/wellknown"
	"atoll.dev/atoll/pkg/scheduler"
	"atoll.dev/atoll/pkg/scheduler/binding"
	. "atoll.dev/atoll/pkg/scheduler/internal/fixture"
)

// testPeers has workloads dispute few clusters, all of them liking the same one
// best: one gets each cluster, the others wait, and take it when that one goes.
func (s *server) testPeers(t *testing.T) {
	const members, workloads = 3, 12
	var names []string
	for i := range members {
		names = append(names, fmt.Sprint("p", i))
		s.addCluster(t, Cluster(names[i]))
	}
	stop := s.run(t, scheduler.Options{Workers: 8})
	for i := range workloads {
		spec := Deployment(2, policyv1alpha1.Placement{ClusterAffinity: ptr.To(Named(names...)), SpreadConstraints: []policyv1alpha1.SpreadConstraint{
			{SpreadByField: policyv1alpha1.SpreadByFieldCluster, MinGroups: 1, MaxGroups: 1}}})
		b := ResourceBinding(fmt.Sprint("peer", i), spec)
		if i%2 == 0 { // six dispute by port, and so do the other six by group
			b.Annotations = map[string]string{wellknown.PortsAnnotation: "node/TCP/30080"}
		} else {
			b.Spec.WorkloadAffinityGroups = &workv1alpha2.WorkloadAffinityGroups{AntiAffinityGroup: "app=peer"}
		}
		must(t, s.Create(t.Context(), b))
	}
	for left := workloads; left > 0; left -= 2 * members {
		var placed []client.Object
		eventually(t, fmt.Sprintf("of %d workloads two are in each cluster", left), func(ctx context.Context) error {
			all, err := s.bindings(ctx)
			if err != nil {
				return err
			}
			placed = nil
			held := map[string]string{}
			for _, b := range all {
				for _, target := range b.Spec.Clusters {
					placed = append(placed, b.Object)
					what := fmt.Sprint(target.Name, " ", b.Object.GetAnnotations()[wellknown.PortsAnnotation])
					if other, taken := held[what]; taken {
						t.Errorf("%s and %s share %s", other, binding.KeyOf(b.Object), what)
					}
					held[what] = b.Object.GetName()
				}
				if meta.FindStatusCondition(b.Status.Conditions, workv1alpha2.Scheduled) == nil {
					return fmt.Errorf("%s is undecided", b.Object.GetName())
				}
				if pending := meta.IsStatusConditionPresentAndEqual(b.Status.Conditions, workv1alpha2.Scheduled, metav1.ConditionFalse); pending == (len(b.Spec.Clusters) > 0) {
					return fmt.Errorf("%s is on %v and pending %v", b.Object.GetName(), b.Spec.Clusters, pending)
				}
			}
			if len(all) != left || len(placed) != 2*members {
				return fmt.Errorf("%d of %d are placed", len(placed), len(all))
			}
			return nil
		})
		for _, o := range placed {
			must(t, s.Delete(t.Context(), o))
		}
	}
	stop()
	for _, name := range names {
		must(t, s.Delete(t.Context(), Cluster(name)))
	}
}
