package bind

import (
	"hash/fnv"

	workv1alpha2 "github.com/karmada-io/karmada/pkg/apis/work/v1alpha2"
	"k8s.io/apimachinery/pkg/types"
)

// divideCompletions divides a Job's completions over the clusters in proportion to their replicas
// (its parallelism there): each goes where completions/(2·given+1) weighs most, the Webster method.
// Which of two equal clusters goes first depends, as in Karmada, on the template's UID.
func divideCompletions(completions int64, clusters []workv1alpha2.TargetCluster, uid types.UID) map[string]int64 {
	given := make(map[string]int64, len(clusters))
	total := int64(0)
	for _, c := range clusters {
		total += int64(c.Replicas)
	}
	if total == 0 {
		return nil
	}
	h := fnv.New32a()
	h.Write([]byte(uid)) // never fails, see hash.Hash
	descending := uid != "" && h.Sum32()&1 == 1
	for ; completions > 0; completions-- {
		best := -1
		for i, c := range clusters {
			if best < 0 || goesBefore(c, clusters[best], given, descending) {
				best = i
			}
		}
		given[clusters[best].Name]++
	}
	for _, c := range clusters {
		given[c.Name] += 0 // every cluster has an entry
	}
	return given
}

func goesBefore(a, b workv1alpha2.TargetCluster, given map[string]int64, descending bool) bool {
	// a.Replicas/(2·given+1) > b.Replicas/(2·given+1), without dividing.
	x, y := int64(a.Replicas)*(2*given[b.Name]+1), int64(b.Replicas)*(2*given[a.Name]+1)
	switch {
	case x != y:
		return x > y
	case given[a.Name] != given[b.Name]:
		return given[a.Name] < given[b.Name]
	case descending:
		return a.Name > b.Name
	}
	return a.Name < b.Name
}
