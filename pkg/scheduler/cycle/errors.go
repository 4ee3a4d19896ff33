package cycle

import (
	"fmt"

	"atoll.dev/atoll/pkg/scheduler/snapshot"
	"atoll.dev/atoll/pkg/scheduler/spread"
)

// FitError says that no cluster passed the filters.
type FitError struct {
	// Total is the number of clusters that there are.
	Total   int
	Refused []Refused
	wakes   snapshot.Change
}

// Error counts the reasons: "0/5 clusters fit: 3 taint gpu=true:NoSchedule, 2 lack apps/v1 Foo".
func (e *FitError) Error() string {
	if len(e.Refused) == 0 {
		return fmt.Sprintf("0/%d clusters fit: no cluster has joined", e.Total)
	}
	return fmt.Sprintf("0/%d clusters fit: %s", e.Total, count(e.Refused, 0))
}

// Wakes returns the changes of a cluster that can make one fit.
func (e *FitError) Wakes() snapshot.Change { return e.wakes }

// ShortageError says that the clusters have not enough room for all replicas.
type ShortageError struct {
	Message string
	wakes   snapshot.Change
}

func (e *ShortageError) Error() string { return e.Message }

// Wakes returns the changes of a cluster that can end the shortage.
func (e *ShortageError) Wakes() snapshot.Change { return e.wakes }

// SelectionError says that the clusters that passed the filters cannot satisfy the spread constraints.
type SelectionError struct {
	// Message names the constraint, how many groups it needs and how many there are,
	// and which clusters were left out and why.
	Message string
	// Shortage is what spreading found.
	Shortage *spread.Shortage
	wakes    snapshot.Change
}

func (e *SelectionError) Error() string { return e.Message }

// Wakes returns the changes of a cluster that can satisfy them.
func (e *SelectionError) Wakes() snapshot.Change { return e.wakes }

// UnsupportedError says that the placement asks for something that the scheduler
// cannot do: only another placement helps.
type UnsupportedError struct{ Message string }

func (e *UnsupportedError) Error() string { return e.Message }

// Wakes returns None.
func (e *UnsupportedError) Wakes() snapshot.Change { return snapshot.None }

// selectionFailed tells what would have to change for the spread constraints to be
// satisfied: what is short, or that clusters that were refused can count.
func (c *Cycle) selectionFailed(result *Result, short *spread.Shortage) error {
	message := "failed to select clusters: " + short.Message
	if len(result.Refused) > 0 {
		message += "; left out: " + count(result.Refused, namedClusters)
	}
	return &SelectionError{Message: message, Shortage: short, wakes: short.Wakes | c.admits(result.Refused)}
}

// assignmentFailed tells what would have to change for the replicas to have room.
func (c *Cycle) assignmentFailed(r *Result, err error) error {
	if short, ok := err.(*ShortageError); ok {
		short.wakes = snapshot.MoreRoom | c.admits(r.Refused)
		if r.Spread != nil {
			for _, constraint := range r.Spread.Constraints {
				short.wakes |= constraint.Interest()
			}
		}
	}
	return err
}
