package division

import (
	"container/heap"
	"hash/fnv"
	"math"

	"k8s.io/apimachinery/pkg/types"
)

// Share is what one cluster gets.
type Share struct {
	// Cluster is unique among the shares that are divided together.
	Cluster string
	// Weight is not negative.
	Weight int64
	// Replicas is the result of Divide.
	Replicas int32
}

// Divide sets the Replicas of all shares; they add up to replicas, except that
// nothing is shared out if all weights are 0. The order of shares is lost.
//
// Ties go to the cluster with fewer replicas, then to the one whose name comes
// first or, for every other uid, last: so that over many workloads no cluster is
// favoured for its name, while the same workload is always divided the same way.
func Divide(replicas int32, shares []Share, uid types.UID) {
	var total float64
	for i := range shares {
		shares[i].Replicas = 0
		total += float64(shares[i].Weight)
	}
	if total == 0 || replicas <= 0 {
		return
	}
	left := replicas - headStart(replicas, shares, total)
	q := &queue{shares: shares, lastNameFirst: lastNameFirst(uid)}
	heap.Init(q)
	for ; left > 0; left-- {
		shares[0].Replicas++
		heap.Fix(q, 0)
	}
}

// headStart gives each share replicas that it is certain to get and returns their
// sum, so that the work of Divide depends on the number of clusters and not on
// that of replicas.
//
// A share gets its k-th replica when its turn weight/(2k-1) comes. All turns of
// 1/(2λ) and more are k ≤ weight·λ + ½ of each share; with λ = (replicas - n/2 -
// 1)/total these are fewer than replicas in sum, so all of them do come. One less
// each keeps clear of rounding.
func headStart(replicas int32, shares []Share, total float64) int32 {
	lambda := (float64(replicas) - float64(len(shares))/2 - 1) / total
	if lambda <= 0 {
		return 0
	}
	var given int32
	for i := range shares {
		if certain := int32(math.Floor(float64(shares[i].Weight)*lambda+0.5)) - 1; certain > 0 {
			shares[i].Replicas = certain
			given += certain
		}
	}
	return given
}

func lastNameFirst(uid types.UID) bool {
	h := fnv.New32a()
	h.Write([]byte(uid)) // never fails, see hash.Hash
	return uid != "" && h.Sum32()&1 == 1
}

// queue is a heap of shares with the one that gets the next replica on top.
type queue struct {
	shares        []Share
	lastNameFirst bool
}

func (q *queue) Len() int      { return len(q.shares) }
func (q *queue) Swap(i, j int) { q.shares[i], q.shares[j] = q.shares[j], q.shares[i] }
func (q *queue) Push(any)      { panic("the shares are fixed") }
func (q *queue) Pop() any      { panic("the shares are fixed") }

func (q *queue) Less(i, j int) bool {
	a, b := &q.shares[i], &q.shares[j]
	if x, y := a.turn(), b.turn(); x != y {
		return x > y
	}
	if a.Replicas != b.Replicas {
		return a.Replicas < b.Replicas
	}
	return (a.Cluster < b.Cluster) != q.lastNameFirst
}

func (s *Share) turn() float64 { return float64(s.Weight) / (2*float64(s.Replicas) + 1) }
