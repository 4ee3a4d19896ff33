package estimator

import (
	"context"

	corev1 "k8s.io/api/core/v1"

	workv1alpha2 "github.com/karmada-io/karmada/pkg/apis/work/v1alpha2"

	"atoll.dev/atoll/pkg/scheduler/snapshot"
)

// Summary estimates from Cluster.status.resourceSummary: what is allocatable in the
// member as a whole, less what its pods ask for. It does not see how the room is
// split over nodes, so it is an upper bound. A member that has not reported yet
// has room for nothing.
type Summary struct{}

// Name implements Estimator.
func (Summary) Name() string { return "ResourceSummary" }

// Estimate implements Estimator.
func (Summary) Estimate(_ context.Context, spec *workv1alpha2.ResourceBindingSpec, clusters []*snapshot.Cluster) ([]int32, error) {
	wants := wantsOf(spec.ReplicaRequirements)
	answer := make([]int32, len(clusters))
	for i, c := range clusters {
		answer[i] = fits(c.Room, wants)
	}
	return answer, nil
}

// want is what one replica needs of a resource, in the unit of snapshot.Room.
type want struct {
	resource corev1.ResourceName
	quantity int64
}

func wantsOf(requirements *workv1alpha2.ReplicaRequirements) []want {
	wants := []want{{corev1.ResourcePods, 1}}
	if requirements == nil {
		return wants
	}
	for name, q := range requirements.ResourceRequest {
		quantity := q.Value()
		if name == corev1.ResourceCPU {
			quantity = q.MilliValue()
		}
		if quantity > 0 {
			wants = append(wants, want{name, quantity})
		}
	}
	return wants
}

func fits(room snapshot.Room, wants []want) int32 {
	most := int64(Unlimited)
	for _, w := range wants {
		left := room[w.resource]
		if left <= 0 {
			return 0
		}
		most = min(most, left/w.quantity)
	}
	return int32(most)
}
