package estimator_test

import (
	"testing"

	"atoll.dev/atoll/pkg/scheduler/estimator"
	. "atoll.dev/atoll/pkg/scheduler/internal/fixture"
	"atoll.dev/atoll/pkg/scheduler/snapshot"

	policyv1alpha1 "github.com/karmada-io/karmada/pkg/apis/policy/v1alpha1"
)

func TestFork(t *testing.T) {
	s := snapshot.New(Cluster("a", Pods(10)))
	spec := Deployment(1, policyv1alpha1.Placement{})
	room := func(m *estimator.Members) int32 {
		answer, err := m.Estimate(t.Context(), spec, s.Clusters())
		if err != nil {
			t.Fatal(err)
		}
		return answer[0]
	}
	claim := func(m *estimator.Members, n int32) []*estimator.Claim {
		claims, ok := m.Claim(spec, []estimator.Take{{Cluster: s.Get("a"), Replicas: n}}, true)
		if !ok {
			t.Fatalf("claiming %d is refused", n)
		}
		return claims
	}
	members := &estimator.Members{}
	before := claim(members, 3)
	fork := members.Fork()
	claim(fork, 4)
	claim(members, 1)
	if m, f := room(members), room(fork); m != 6 || f != 3 {
		t.Errorf("there is room for %d, and for %d in the fork; want 6 and 3", m, f)
	}
	before[0].Drop()
	if m, f := room(members), room(fork); m != 9 || f != 3 {
		t.Errorf("after a claim ended there is room for %d, and for %d in the fork; want 9 and 3", m, f)
	}
}
