package cycle_test

import (
	"fmt"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	clusterv1alpha1 "github.com/karmada-io/karmada/pkg/apis/cluster/v1alpha1"
	policyv1alpha1 "github.com/karmada-io/karmada/pkg/apis/policy/v1alpha1"

	"atoll.dev/atoll/pkg/scheduler/framework"
	. "atoll.dev/atoll/pkg/scheduler/internal/fixture"
	"atoll.dev/atoll/pkg/scheduler/snapshot"
)

// BenchmarkPlace measures decisions on one core: as many a second as 1e9 divided by ns/op.
func BenchmarkPlace(b *testing.B) {
	for _, n := range []int{100, 1000, 5000} {
		clusters := make([]*clusterv1alpha1.Cluster, n)
		var weights []policyv1alpha1.StaticClusterWeight
		for i := range clusters {
			name := fmt.Sprintf("member-%04d", i)
			clusters[i] = Cluster(name, Label("tier", []string{"gold", "silver"}[i%2]), Label("rack", fmt.Sprint("k", i%17)),
				At("p", fmt.Sprint("r", i%10), fmt.Sprint("z", i%30)), Allocatable(corev1.ResourceList{
					corev1.ResourcePods: resource.MustParse("1000"), corev1.ResourceCPU: resource.MustParse("500"), corev1.ResourceMemory: resource.MustParse("2Ti"),
				}))
			if i%10 == 0 {
				Taint("down", "", corev1.TaintEffectNoExecute)(clusters[i])
			}
			weights = append(weights, Weight(name, int64(1+i%7)))
		}
		s := snapshot.New(clusters...)
		gold := policyv1alpha1.ClusterAffinity{LabelSelector: &metav1.LabelSelector{MatchLabels: map[string]string{"tier": "gold"}}}
		for _, c := range []struct {
			name      string
			placement placement
		}{
			{"duplicated", placement{ClusterAffinity: &gold}},
			{"static", placement{ReplicaScheduling: Static(weights...)}},
			{"dynamic", placement{ClusterAffinity: &gold, ReplicaScheduling: Dynamic()}},
			{"aggregated-spread", placement{ReplicaScheduling: Aggregated(), SpreadConstraints: byCluster(2, 10)}},
			{"dynamic-region", placement{ReplicaScheduling: Dynamic(), SpreadConstraints: append(byCluster(3, 6), by("region", 2, 2))}},
			{"dynamic-region-zone-label", placement{ReplicaScheduling: Dynamic(), SpreadConstraints: append(byCluster(3, 12), by("region", 2, 3), by("zone", 3, 6), byLabel("rack", 4, 8))}},
			{"duplicated-zone-label", placement{SpreadConstraints: []policyv1alpha1.SpreadConstraint{by("zone", 3, 6), byLabel("rack", 2, 0)}}},
		} {
			b.Run(fmt.Sprintf("%s/%d", c.name, n), func(b *testing.B) {
				spec := Deployment(300, c.placement)
				spec.ReplicaRequirements.ResourceRequest = corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("250m"), corev1.ResourceMemory: resource.MustParse("1Gi")}
				decide := newCycle()
				b.ReportAllocs()
				for b.Loop() {
					if _, err := decide.Place(b.Context(), framework.Question{Spec: spec}, s); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}
