package estimator

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	workv1alpha2 "github.com/karmada-io/karmada/pkg/apis/work/v1alpha2"

	"atoll.dev/atoll/pkg/scheduler/snapshot"
)

// Names of what Members answers from, as Answer.Estimator shows them.
const (
	FromNodes   = "Nodes"
	FromModels  = "ResourceModels"
	FromQuotas  = "ResourceQuotas"
	FromSummary = "ResourceSummary"
)

// Answer is what one estimator says of one cluster, for those who ask why.
type Answer struct {
	// Estimator is what the answer comes from: one of the names above, or the Name of an Estimator.
	Estimator string
	// Replicas, or whole sets of components, that the cluster can hold in addition;
	// Unlimited if the estimator knows no limit.
	Replicas int32
	// Limit is what there is no more of, in plain words: "cpu: 3 nodes have room for 7".
	// If the estimator was left out, it says why.
	Limit string
}

// Explainer is an Estimator that can tell where its answer comes from. The lowest of
// its Answers for a cluster is what Estimate returns for it.
type Explainer interface {
	Estimator
	// Explain returns, for each cluster in the order given, an Answer for each source.
	Explain(ctx context.Context, spec *workv1alpha2.ResourceBindingSpec, clusters []*snapshot.Cluster) [][]Answer
}

// Explain returns for each cluster, in the order given, what each estimator says of
// it, the lowest first: the first Answer is the one that Lowest goes by. It costs far
// more than Lowest and is for showing only.
func Explain(ctx context.Context, estimators []Estimator, spec *workv1alpha2.ResourceBindingSpec, clusters []*snapshot.Cluster) [][]Answer {
	all := make([][]Answer, len(clusters))
	for _, e := range estimators {
		for i, answers := range explain(ctx, e, spec, clusters) {
			all[i] = append(all[i], answers...)
		}
	}
	for _, answers := range all {
		slices.SortStableFunc(answers, func(a, b Answer) int { return cmp.Compare(a.Replicas, b.Replicas) })
	}
	return all
}

func explain(ctx context.Context, e Estimator, spec *workv1alpha2.ResourceBindingSpec, clusters []*snapshot.Cluster) [][]Answer {
	if explainer, ok := e.(Explainer); ok {
		return explainer.Explain(ctx, spec, clusters)
	}
	answers := make([][]Answer, len(clusters))
	replicas, err := e.Estimate(ctx, spec, clusters)
	if err == nil && len(replicas) != len(clusters) {
		err = fmt.Errorf("it answered for %d of %d clusters", len(replicas), len(clusters))
	}
	for i := range clusters {
		if err != nil {
			answers[i] = []Answer{{e.Name(), Unlimited, fmt.Sprintf("left out: %v", err)}}
		} else {
			answers[i] = []Answer{{e.Name(), max(replicas[i], 0), ""}}
		}
	}
	return answers
}
