package estimator

import (
	"context"
	"math"

	workv1alpha2 "github.com/karmada-io/karmada/pkg/apis/work/v1alpha2"

	"atoll.dev/atoll/pkg/scheduler/snapshot"
)

// Unlimited is the answer for a cluster of which an Estimator knows no limit.
const Unlimited int32 = math.MaxInt32

// Estimator says how many more replicas of a workload clusters can hold. Of a
// workload of several components it says how many whole sets of them.
type Estimator interface {
	// Name is shown to users.
	Name() string
	// Estimate returns, for each cluster in the order given, how many more replicas
	// it can hold: Unlimited where it cannot tell. An error means that it cannot tell
	// for any of them.
	Estimate(ctx context.Context, spec *workv1alpha2.ResourceBindingSpec, clusters []*snapshot.Cluster) ([]int32, error)
}

// Lowest asks all estimators and returns the lowest answer for each cluster. Where
// none knows a limit it returns the replicas that the workload wants: as many as
// could ever be placed. Estimators that fail are left out.
func Lowest(ctx context.Context, estimators []Estimator, spec *workv1alpha2.ResourceBindingSpec, clusters []*snapshot.Cluster) []int32 {
	lowest := make([]int32, len(clusters))
	for i := range lowest {
		lowest[i] = Unlimited
	}
	if spec.Replicas > 0 || len(spec.Components) > 0 {
		for _, e := range estimators {
			answer, err := e.Estimate(ctx, spec, clusters)
			if err != nil || len(answer) != len(clusters) {
				continue
			}
			for i := range lowest {
				lowest[i] = min(lowest[i], max(answer[i], 0))
			}
		}
	}
	for i := range lowest {
		if lowest[i] == Unlimited {
			lowest[i] = spec.Replicas
		}
	}
	return lowest
}
