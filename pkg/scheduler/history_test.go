package scheduler

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	clusterv1alpha1 "github.com/karmada-io/karmada/pkg/apis/cluster/v1alpha1"
	policyv1alpha1 "github.com/karmada-io/karmada/pkg/apis/policy/v1alpha1"

	"atoll.dev/atoll/apis/karmada/wellknown"
	"atoll.dev/atoll/pkg/scheduler/binding"
	. "atoll.dev/atoll/pkg/scheduler/internal/fixture"
)

// Whatever happens, each write of spec.clusters carries a new entry of the history
// that names a cause, nothing else adds one, and replicas that are stuck lower no sum.
func TestNothingMovesWithoutARecordedReason(t *testing.T) {
	strategies := []*policyv1alpha1.ReplicaSchedulingStrategy{Dynamic(), Aggregated(), Static(), Duplicated(), Static(Weight("m1", 1), Weight("m2", 3))}
	for seed := range uint64(60) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			r := rand.New(rand.NewPCG(seed, 1))
			gold := &policyv1alpha1.ClusterAffinity{LabelSelector: &metav1.LabelSelector{MatchLabels: map[string]string{"tier": "gold"}}}
			p := newPlane(t, Cluster("m1", Pods(20), Label("tier", "gold")), Cluster("m2", Pods(20), Label("tier", "gold")), Cluster("m3", Pods(9)),
				ResourceBinding("web", Deployment(6, placement{ReplicaScheduling: strategies[int(seed)%len(strategies)]})))
			p.settle()
			for range 30 {
				p.patches = nil
				member := fmt.Sprintf("m%d", 1+r.IntN(3))
				present := p.client.Get(t.Context(), client.ObjectKey{Name: member}, &clusterv1alpha1.Cluster{}) == nil
				before := sum(p.get(web))
				onlyTime := false
				switch n := r.IntN(9); {
				case !present:
					p.create(Cluster(member, Pods(r.Int64N(30)), Label("tier", "gold")))
				case n == 0:
					p.delete(Cluster(member))
				case n == 1:
					p.alterCluster(member, Label("tier", []string{"gold", "tin"}[r.IntN(2)]))
				case n == 2:
					p.alterCluster(member, Pods(r.Int64N(30)))
				case n == 3:
					p.alterCluster(member, Taint("t", "", []corev1.TaintEffect{"NoSchedule", "NoExecute"}[r.IntN(2)]))
				case n == 4:
					p.alter(web, func(b *binding.Binding) { b.Spec.Replicas = 1 + r.Int32N(12) })
				case n == 5:
					p.alter(web, func(b *binding.Binding) {
						if b.Spec.Placement.ClusterAffinity = nil; r.IntN(2) == 0 {
							b.Spec.Placement.ClusterAffinity = gold
						}
					})
				case n == 6:
					p.alter(web, func(b *binding.Binding) { b.Spec.RescheduleTriggeredAt = ptr.To(metav1.NewTime(p.clock.Now())) })
				default:
					onlyTime = true
					p.stuck(member, r.IntN(4))
				}
				onlyTime = onlyTime && len(p.patches) == 0
				p.pass(6 * time.Minute)
				moves := 0
				for _, patch := range p.patches {
					spec, _ := patch["spec"].(map[string]any)
					_, moved := spec["clusters"]
					metadata, _ := patch["metadata"].(map[string]any)
					annotations, _ := metadata["annotations"].(map[string]any)
					value, recorded := annotations[wellknown.DecisionsAnnotation].(string)
					if moved != recorded {
						t.Fatalf("moved: %v, and recorded: %v, in %v", moved, recorded, patch)
					}
					if moved {
						moves++
					}
					if recorded && len(value) < len(`[{"cause":""}]`) {
						t.Fatalf("recorded %q", value)
					}
				}
				if newest := p.decisions(web); moves > 0 && (newest[0].Cause == "" || newest[0].Moved == "") {
					t.Fatalf("recorded %+v", newest[0])
				}
				if after := sum(p.get(web)); onlyTime && after < before {
					t.Fatalf("%d replicas placed, %d before some were stuck", after, before)
				}
			}
		})
	}
}

func sum(b *binding.Binding) (n int64) {
	for _, target := range b.Spec.Clusters {
		n += int64(target.Replicas)
	}
	return n
}
