package division

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"k8s.io/apimachinery/pkg/types"
)

func divide(replicas int32, uid types.UID, weights ...int64) []int32 {
	shares := make([]Share, len(weights))
	for i, w := range weights {
		shares[i] = Share{Cluster: fmt.Sprintf("m%05d", i), Weight: w}
	}
	Divide(replicas, shares, uid)
	slices.SortFunc(shares, func(a, b Share) int { return cmp.Compare(a.Cluster, b.Cluster) })
	got := make([]int32, len(shares))
	for i := range shares {
		got[i] = shares[i].Replicas
	}
	return got
}

// The wants were printed by Karmada v1.18.1's helper.Dispenser.
func TestDivideIsKarmadas(t *testing.T) {
	for _, c := range []struct {
		replicas int32
		uid      types.UID
		weights  []int64
		want     []int32
	}{
		{9, "", []int64{1, 2}, []int32{3, 6}},
		{9, "", []int64{1, 3}, []int32{2, 7}},
		{12, "", []int64{3, 2, 1}, []int32{6, 4, 2}},
		{12, "", []int64{1, 1, 1, 1, 1}, []int32{3, 3, 2, 2, 2}},
		{12, "a", []int64{1, 1, 1, 1, 1}, []int32{3, 3, 2, 2, 2}},
		{12, "b", []int64{1, 1, 1, 1, 1}, []int32{2, 2, 2, 3, 3}},
		{1, "", []int64{1, 1}, []int32{1, 0}},
		{1, "b", []int64{1, 1}, []int32{0, 1}},
		{2, "", []int64{100, 1, 1}, []int32{2, 0, 0}},
		{7, "", []int64{0, 5, 2}, []int32{0, 5, 2}},
		{1000, "", []int64{7, 11, 13}, []int32{226, 355, 419}},
		{5, "", []int64{0, 0}, []int32{0, 0}},
		{0, "", []int64{1, 2}, []int32{0, 0}},
	} {
		if got := divide(c.replicas, c.uid, c.weights...); !slices.Equal(got, c.want) {
			t.Errorf("%d replicas by %v for uid %q = %v, want %v", c.replicas, c.weights, c.uid, got, c.want)
		}
	}
}

// oneByOne is the definition: each replica to the share whose turn it is.
func oneByOne(replicas int32, uid types.UID, weights []int64) []int32 {
	given := make([]int32, len(weights))
	for range replicas {
		best := 0
		for i := range weights {
			x, y := float64(weights[i])/(2*float64(given[i])+1), float64(weights[best])/(2*float64(given[best])+1)
			if x > y || x == y && (given[i] < given[best] || given[i] == given[best] && (i > best) == lastNameFirst(uid)) {
				best = i
			}
		}
		given[best]++
	}
	return given
}

func randomWeights(r *rand.Rand) []int64 {
	weights := make([]int64, 1+r.IntN(12))
	for i := range weights {
		weights[i] = r.Int64N(1 + r.Int64N(1000))
	}
	weights[r.IntN(len(weights))]++ // not all 0
	return weights
}

func TestHeadStartChangesNothing(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	for range 5000 {
		weights, replicas, uid := randomWeights(r), r.Int32N(300), types.UID(fmt.Sprint(r.IntN(4)))
		if got, want := divide(replicas, uid, weights...), oneByOne(replicas, uid, weights); !slices.Equal(got, want) {
			t.Fatalf("%d replicas by %v for uid %q = %v, want %v", replicas, weights, uid, got, want)
		}
	}
}

func TestOneMoreReplicaTakesNoneAway(t *testing.T) {
	r := rand.New(rand.NewPCG(2, 1))
	for range 2000 {
		weights, replicas := randomWeights(r), r.Int32N(500)
		less, more := divide(replicas, "", weights...), divide(replicas+1, "", weights...)
		for i := range less {
			if more[i] < less[i] {
				t.Fatalf("by %v: %d replicas = %v, %d = %v", weights, replicas, less, replicas+1, more)
			}
		}
	}
}

func TestWeightsThatSufficeAreNotExceeded(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 1))
	for range 2000 {
		weights := randomWeights(r)
		var total int64
		for _, w := range weights {
			total += w
		}
		replicas := int32(r.Int64N(total + 1))
		for i, got := range divide(replicas, "", weights...) {
			if int64(got) > weights[i] {
				t.Fatalf("%d replicas by %v gives %d to a share of weight %d", replicas, weights, got, weights[i])
			}
		}
	}
}

func FuzzDivide(f *testing.F) {
	f.Add(int32(9), "", int64(1), int64(2), int64(3))
	f.Add(int32(2147483647), "b", int64(1), int64(9223372036854775807), int64(0))
	f.Fuzz(func(t *testing.T, replicas int32, uid string, a, b, c int64) {
		weights := []int64{max(a, 0), max(b, 0), max(c, 0)}
		var sum int64
		for _, got := range divide(replicas, types.UID(uid), weights...) {
			if got < 0 {
				t.Fatalf("%d replicas by %v: negative share", replicas, weights)
			}
			sum += int64(got)
		}
		want := int64(max(replicas, 0))
		if weights[0] == 0 && weights[1] == 0 && weights[2] == 0 {
			want = 0
		}
		if sum != want {
			t.Fatalf("%d replicas by %v add up to %d", replicas, weights, sum)
		}
	})
}
