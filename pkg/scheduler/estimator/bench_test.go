package estimator_test

import (
	"fmt"
	"testing"

	corev1 "k8s.io/api/core/v1"

	policyv1alpha1 "github.com/karmada-io/karmada/pkg/apis/policy/v1alpha1"
	workv1alpha2 "github.com/karmada-io/karmada/pkg/apis/work/v1alpha2"

	"atoll.dev/atoll/pkg/membership/capacity"
	"atoll.dev/atoll/pkg/scheduler/estimator"
	"atoll.dev/atoll/pkg/scheduler/internal/fixture"
	"atoll.dev/atoll/pkg/scheduler/snapshot"
)

// fleet makes clusters of 5,000 nodes in 12 classes.
func fleet(n int) []*snapshot.Cluster {
	classes := make([]*capacity.Class, 12)
	for i := range classes {
		classes[i] = &capacity.Class{Labels: map[string]string{"disk": []string{"ssd", "hdd"}[i%2], "zone": fmt.Sprint("z", i%3), "pool": fmt.Sprint("p", i)}}
		if i%4 == 3 {
			classes[i].Taints = []corev1.Taint{{Key: "dedicated", Value: "db", Effect: corev1.TaintEffectNoSchedule}}
		}
	}
	names := make([]string, 5000)
	for i := range names {
		names[i] = fmt.Sprintf("node-%05d", i)
	}
	clusters := make([]*snapshot.Cluster, n)
	for i := range clusters {
		c := *snapshot.New(fixture.Cluster(fmt.Sprintf("member-%04d", i), fixture.Allocatable(list("cpu", "320k", "memory", "1Pi", "pods", "550k")))).Clusters()[0]
		v := &capacity.View{Nodes: make([]capacity.Node, len(names))}
		for j := range v.Nodes {
			v.Nodes[j] = capacity.Node{Name: names[j], Class: classes[(i+j)%len(classes)], Ready: j%50 > 0,
				Free: capacity.Amounts{MilliCPU: int64(j % 64 * 500), Memory: int64(j%128) << 30, Ephemeral: 1 << 40, Pods: int64(j % 110)}}
		}
		c.Nodes = v
		clusters[i] = &c
	}
	return clusters
}

func picky() *workv1alpha2.ResourceBindingSpec {
	return asks(list("cpu", "250m", "memory", "512Mi"), on(workv1alpha2.NodeClaim{
		NodeSelector:     map[string]string{"disk": "ssd"},
		HardNodeAffinity: expressions("zone", corev1.NodeSelectorOpIn, "z0", "z1"),
		Tolerations:      []corev1.Toleration{{Key: "dedicated", Operator: corev1.TolerationOpExists}},
	}))
}

// BenchmarkEstimate measures one decision's estimate over all clusters: cold, when no
// decision has asked since the views arrived, and warm, with claims in each cluster.
func BenchmarkEstimate(b *testing.B) {
	for _, n := range []int{100, 1000} {
		clusters := fleet(n)
		spec := picky()
		b.Run(fmt.Sprintf("cold/%d", n), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				m := &estimator.Members{}
				if _, err := m.Estimate(b.Context(), spec, clusters); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(fmt.Sprintf("warm/%d", n), func(b *testing.B) {
			m := &estimator.Members{}
			for i := range 20 {
				other := fixture.Deployment(1, policyv1alpha1.Placement{})
				other.ReplicaRequirements.ResourceRequest = list("cpu", fmt.Sprintf("%dm", 100+i))
				takes := make([]estimator.Take, len(clusters))
				for j := range clusters {
					takes[j] = estimator.Take{Cluster: clusters[j], Replicas: 10}
				}
				m.Claim(other, takes, true)
			}
			b.ReportAllocs()
			for b.Loop() {
				if _, err := m.Estimate(b.Context(), spec, clusters); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkClaim measures what a claim of 30 replicas over 3 clusters, and its end, cost
// while each cluster remembers 20 different requirements and has 1,000 claims.
func BenchmarkClaim(b *testing.B) {
	clusters := fleet(3)
	m := &estimator.Members{}
	takes := make([]estimator.Take, len(clusters))
	for j := range clusters {
		takes[j] = estimator.Take{Cluster: clusters[j], Replicas: 10}
	}
	for i := range 1000 {
		other := fixture.Deployment(1, policyv1alpha1.Placement{})
		other.ReplicaRequirements.ResourceRequest = list("cpu", fmt.Sprintf("%dm", 100+i%20))
		m.Claim(other, takes, true)
	}
	spec := picky()
	b.ReportAllocs()
	for b.Loop() {
		claims, ok := m.Claim(spec, takes, true)
		if !ok {
			b.Fatal("no room")
		}
		for _, c := range claims {
			c.Drop()
		}
	}
}

// BenchmarkSets measures how many sets of two components fit, with no answer remembered.
func BenchmarkSets(b *testing.B) {
	clusters := fleet(1)
	r := picky().ReplicaRequirements
	spec := &workv1alpha2.ResourceBindingSpec{Components: []workv1alpha2.Component{
		{Name: "manager", Replicas: 1, ReplicaRequirements: &workv1alpha2.ComponentReplicaRequirements{ResourceRequest: r.ResourceRequest}},
		{Name: "worker", Replicas: 8, ReplicaRequirements: &workv1alpha2.ComponentReplicaRequirements{ResourceRequest: list("cpu", "2"), NodeClaim: r.NodeClaim}},
	}}
	b.ReportAllocs()
	for b.Loop() {
		m := &estimator.Members{}
		if _, err := m.Estimate(b.Context(), spec, clusters); err != nil {
			b.Fatal(err)
		}
	}
}
