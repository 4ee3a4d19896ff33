package division_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/types"

	"atoll.dev/atoll/pkg/scheduler/division"
)

func settle(replicas int32, weights []int64, uid types.UID, held []int32) []int32 {
	shares := make([]division.Share, len(weights))
	for i, w := range weights {
		shares[i] = division.Share{Cluster: fmt.Sprint("m", i), Weight: w}
	}
	of := func(cluster string) int32 {
		var i int
		fmt.Sscanf(cluster, "m%d", &i)
		return held[i]
	}
	division.Divide(replicas, shares, uid)
	division.Settle(shares, of)
	slices.SortFunc(shares, func(a, b division.Share) int { return strings.Compare(a.Cluster, b.Cluster) })
	result := make([]int32, len(shares))
	for i, s := range shares {
		result[i] = s.Replicas
	}
	return result
}

func TestSettle(t *testing.T) {
	for _, c := range []struct {
		name     string
		replicas int32
		weights  []int64
		held     []int32
		want     []int32
	}{
		{"no tie", 6, []int64{1, 2}, []int32{6, 0}, []int32{2, 4}},
		{"nobody holds any", 4, []int64{1, 1, 1}, []int32{0, 0, 0}, []int32{2, 1, 1}},
		{"the holder keeps the odd one", 4, []int64{1, 1, 1}, []int32{1, 1, 2}, []int32{1, 1, 2}},
		{"the holder keeps the only one", 1, []int64{3, 3}, []int32{0, 1}, []int32{0, 1}},
		{"as many as there are ties", 2, []int64{1, 1, 1, 1}, []int32{0, 0, 5, 5}, []int32{0, 0, 1, 1}},
		{"unequal weights can tie", 2, []int64{1, 3}, []int32{0, 2}, []int32{0, 2}},
		{"no weight, no replica", 1, []int64{0, 1}, []int32{1, 0}, []int32{0, 1}},
		{"nothing to divide", 0, []int64{1, 1}, []int32{1, 0}, []int32{0, 0}},
	} {
		if got := settle(c.replicas, c.weights, "", c.held); !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
}

// TestSettledScalesWithoutMoves scales again and again: nobody loses a replica when
// there are more, nobody gains one when there are fewer, however ties were settled.
func TestSettledScalesWithoutMoves(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 7))
	for range 3000 {
		weights, held := make([]int64, 1+r.IntN(6)), make([]int32, 0)
		for i := range weights {
			weights[i] = 1 + r.Int64N(4)
			held = append(held, r.Int32N(4))
		}
		replicas, uid := r.Int32N(20), types.UID(fmt.Sprint(r.IntN(4)))
		now := settle(replicas, weights, uid, held)
		for range 5 {
			next := r.Int32N(20)
			then := settle(next, weights, uid, now)
			var sum int32
			for i := range then {
				sum += then[i]
				if next >= replicas && then[i] < now[i] || next <= replicas && then[i] > now[i] {
					t.Fatalf("weights %v: %d replicas %v, then %d %v", weights, replicas, now, next, then)
				}
			}
			if sum != next {
				t.Fatalf("weights %v: %v does not add up to %d", weights, then, next)
			}
			now, replicas = then, next
		}
	}
}
