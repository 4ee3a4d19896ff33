package estimator_test

import (
	"context"
	"errors"
	"slices"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"

	clusterv1alpha1 "github.com/karmada-io/karmada/pkg/apis/cluster/v1alpha1"
	policyv1alpha1 "github.com/karmada-io/karmada/pkg/apis/policy/v1alpha1"
	workv1alpha2 "github.com/karmada-io/karmada/pkg/apis/work/v1alpha2"

	"atoll.dev/atoll/pkg/scheduler/estimator"
	"atoll.dev/atoll/pkg/scheduler/internal/fixture"
	"atoll.dev/atoll/pkg/scheduler/snapshot"
)

func TestSummary(t *testing.T) {
	room := fixture.Allocatable(corev1.ResourceList{
		corev1.ResourceCPU: resource.MustParse("2"), corev1.ResourceMemory: resource.MustParse("8Gi"), corev1.ResourcePods: resource.MustParse("30"),
	})
	for _, c := range []struct {
		name    string
		cluster fixture.ClusterOption
		request corev1.ResourceList
		want    int32
	}{
		{"only pods limit", room, nil, 30},
		{"CPU in thousandths limits", room, corev1.ResourceList{"cpu": resource.MustParse("300m")}, 6},
		{"memory limits", room, corev1.ResourceList{"cpu": resource.MustParse("10m"), "memory": resource.MustParse("3Gi")}, 2},
		{"a request of nothing does not limit", room, corev1.ResourceList{"memory": resource.MustParse("0")}, 30},
		{"a resource that the member does not have", room, corev1.ResourceList{"nvidia.com/gpu": resource.MustParse("1")}, 0},
		{"no room for pods", fixture.Pods(0), nil, 0},
		{"nothing reported", func(*clusterv1alpha1.Cluster) {}, nil, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			spec := fixture.Deployment(1000, policyv1alpha1.Placement{})
			spec.ReplicaRequirements.ResourceRequest = c.request
			clusters := snapshot.New(fixture.Cluster("m", c.cluster)).Clusters()
			got, err := estimator.Summary{}.Estimate(t.Context(), spec, clusters)
			if err != nil || !slices.Equal(got, []int32{c.want}) {
				t.Errorf("estimate = %v, %v; want %d", got, err, c.want)
			}
		})
	}
}

type fixed struct {
	answer []int32
	err    error
}

func (fixed) Name() string { return "fixed" }
func (f fixed) Estimate(context.Context, *workv1alpha2.ResourceBindingSpec, []*snapshot.Cluster) ([]int32, error) {
	return f.answer, f.err
}

func TestLowest(t *testing.T) {
	clusters := snapshot.New(fixture.Cluster("a"), fixture.Cluster("b")).Clusters()
	for _, c := range []struct {
		name       string
		replicas   int32
		estimators []estimator.Estimator
		want       []int32
	}{
		{"nobody knows a limit", 7, nil, []int32{7, 7}},
		{"each cluster by the estimator that knows the lower limit", 7,
			[]estimator.Estimator{fixed{answer: []int32{3, estimator.Unlimited}}, fixed{answer: []int32{5, 4}}}, []int32{3, 4}},
		{"one that fails is left out", 7, []estimator.Estimator{fixed{err: errors.New("unreachable")}, fixed{answer: []int32{1, 2}}}, []int32{1, 2}},
		{"one that answers for other clusters is left out", 7, []estimator.Estimator{fixed{answer: []int32{1}}}, []int32{7, 7}},
		{"less than nothing is nothing", 7, []estimator.Estimator{fixed{answer: []int32{-3, 1}}}, []int32{0, 1}},
		{"nothing to place needs no estimate", 0, []estimator.Estimator{fixed{answer: []int32{3, 3}}}, []int32{0, 0}},
	} {
		t.Run(c.name, func(t *testing.T) {
			spec := fixture.Deployment(c.replicas, policyv1alpha1.Placement{})
			if got := estimator.Lowest(t.Context(), c.estimators, spec, clusters); !slices.Equal(got, c.want) {
				t.Errorf("lowest = %v, want %v", got, c.want)
			}
		})
	}
}
