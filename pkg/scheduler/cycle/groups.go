package cycle

import (
	"context"
	"errors"

	policyv1alpha1 "github.com/karmada-io/karmada/pkg/apis/policy/v1alpha1"

	"atoll.dev/atoll/pkg/scheduler/framework"
	"atoll.dev/atoll/pkg/scheduler/snapshot"
)

// Place decides where a workload goes. The cluster groups before the one in which
// it was placed last are not tried again, so that a workload that fell back stays
// where it is until somebody moves it. If no group works out the error is that of
// the first one tried.
func (c *Cycle) Place(ctx context.Context, q framework.Question, s *snapshot.Snapshot) (Result, error) {
	groups := q.Spec.Placement.ClusterAffinities
	if groups == nil {
		return c.run(ctx, framework.NewRequest(q, nil, s))
	}
	var (
		first    Result
		firstErr error
		wakes    snapshot.Change
	)
	attempts := make([]Attempt, 0, len(groups))
	observed := ObservedGroup(groups, q.Group)
	for i := range groups {
		if i < observed {
			attempts = append(attempts, Attempt{Group: groups[i].AffinityName, Skipped: true})
			continue
		}
		result, err := c.run(ctx, framework.NewRequest(q, &groups[i], s))
		attempts = append(attempts, Attempt{Group: groups[i].AffinityName, Err: err, Refused: result.Refused, Candidates: result.Candidates})
		if err == nil {
			result.Attempts = attempts
			return result, nil
		}
		if firstErr == nil {
			first, firstErr = result, err
		}
		wakes |= Wakes(err)
	}
	if firstErr == nil {
		firstErr = &UnsupportedError{Message: "clusterAffinities must list at least one group"}
	}
	first.Attempts = attempts
	return first, &groupsError{error: firstErr, wakes: wakes}
}

// ObservedGroup returns the index of the group with the given name, or 0 if there is none.
func ObservedGroup(groups []policyv1alpha1.ClusterAffinityTerm, name string) int {
	for i := range groups {
		if name != "" && groups[i].AffinityName == name {
			return i
		}
	}
	return 0
}

// groupsError is the error of the first group, waiting for what any of the groups waits for.
type groupsError struct {
	error
	wakes snapshot.Change
}

func (e *groupsError) Unwrap() error { return e.error }

// Wakes returns the changes of a cluster after which it is worth trying again what failed with err.
func Wakes(err error) snapshot.Change {
	var waiting interface{ Wakes() snapshot.Change }
	if errors.As(err, &waiting) {
		return waiting.Wakes()
	}
	return snapshot.Any
}

// Wakes implements the interface that the function Wakes looks for.
func (e *groupsError) Wakes() snapshot.Change { return e.wakes }
