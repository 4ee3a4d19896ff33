package cycle

import (
	"fmt"
	"sort"
	"strings"

	"atoll.dev/atoll/pkg/scheduler/snapshot"
)

// FitError says that no cluster passed the filters.
type FitError struct {
	// Total is the number of clusters that there are.
	Total   int
	Refused []Refused
	wakes   snapshot.Change
}

// Error counts the reasons: "0/3 clusters are available: 1 cluster(s) …, 2 cluster(s) …."
func (e *FitError) Error() string {
	if len(e.Refused) == 0 {
		return fmt.Sprintf("0/%d clusters are available: no cluster exists.", e.Total)
	}
	count := map[string]int{}
	for _, r := range e.Refused {
		count[r.Reason]++
	}
	reasons := make([]string, 0, len(count))
	for reason, n := range count {
		reasons = append(reasons, fmt.Sprintf("%d %s", n, reason))
	}
	sort.Strings(reasons)
	return fmt.Sprintf("0/%d clusters are available: %s.", e.Total, strings.Join(reasons, ", "))
}

// Wakes returns the changes of a cluster that can make one fit.
func (e *FitError) Wakes() snapshot.Change { return e.wakes }

// ShortageError says that the clusters have not enough room for all replicas.
type ShortageError struct{ Message string }

func (e *ShortageError) Error() string { return e.Message }

// Wakes returns the changes of a cluster that can end the shortage.
func (e *ShortageError) Wakes() snapshot.Change { return snapshot.Any }

// SelectionError says that the clusters that passed the filters cannot satisfy the spread constraints.
type SelectionError struct{ Message string }

func (e *SelectionError) Error() string { return e.Message }

// Wakes returns the changes of a cluster that can satisfy them.
func (e *SelectionError) Wakes() snapshot.Change { return snapshot.Any }

// UnsupportedError says that the placement asks for something that the scheduler
// cannot do: only another placement helps.
type UnsupportedError struct{ Message string }

func (e *UnsupportedError) Error() string { return e.Message }

// Wakes returns None.
func (e *UnsupportedError) Wakes() snapshot.Change { return snapshot.None }
