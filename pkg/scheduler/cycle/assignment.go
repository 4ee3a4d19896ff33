package cycle

import (
	"atoll.dev/atoll/pkg/scheduler/division"
)

// Attempt is a cluster group that was tried, or passed over.
type Attempt struct {
	// Group is the affinityName of the group.
	Group string
	// Skipped is set for the groups before the one in use: there is no way back to them
	// until somebody reschedules the workload.
	Skipped bool
	// Err is why the group did not work out; nil for the one that did, and for skipped ones.
	Err error
	// Refused and Candidates are as in Result. They are empty for skipped groups.
	Refused    []Refused
	Candidates []Candidate
}

// Mode is what an assignment starts from.
type Mode string

const (
	// WholeWorkload: nothing is divided, each selected cluster gets the workload as it is.
	WholeWorkload Mode = "whole"
	// AllReplicas: each selected cluster gets all replicas.
	AllReplicas Mode = "duplicated"
	// FromWeights: replicas are divided by weights, whatever was there before.
	FromWeights Mode = "by weight"
	// FromNothing: replicas are divided as if none had been placed.
	FromNothing Mode = "fresh"
	// ScaledUp: what is placed stays, the rest is divided by the room left.
	ScaledUp Mode = "scale up"
	// ScaledDown: clusters keep a part of what they have.
	ScaledDown Mode = "scale down"
	// Unchanged: what is placed stays.
	Unchanged Mode = "unchanged"
)

// Assignment is what step 5 found.
type Assignment struct {
	// Strategy is "Duplicated", "StaticWeight", "DynamicWeight" or "Aggregated"; empty
	// if nothing is divided.
	Strategy string
	Mode     Mode
	// Placed is how many replicas the selected clusters held before.
	Placed int64
	// Divisions are the steps in which replicas were shared out, one for each tier of
	// clusters that got or kept any. Their order is that of preference.
	Divisions []Division
	// Spread are the replicas that were moved on so that enough groups of the spread constraints have one.
	Spread []Shift
}

// Division is replicas that were shared out by weight.
type Division struct {
	// Tier of the clusters, 0 being the most preferred.
	Tier int
	// Replicas that were shared out.
	Replicas int32
	// Weights tells what the weights are: "static weight", "room", "capacity", or "replicas held".
	Weights string
	// Limits is set if no cluster may get more than its weight.
	Limits bool
	// Shares are the clusters with their weights and what they were given, in no order.
	Shares []division.Share
	// Spare are clusters that had a weight and were not needed: Aggregated takes the
	// first that together have enough.
	Spare []division.Share
}

// Total is the sum of the weights of Shares.
func (d *Division) Total() float64 {
	var total float64
	for i := range d.Shares {
		total += float64(d.Shares[i].Weight)
	}
	return total
}

// Exact is the part of Replicas that a weight stands for before rounding.
func (d *Division) Exact(weight int64) float64 {
	total := d.Total()
	if total == 0 {
		return 0
	}
	return float64(d.Replicas) * float64(weight) / total
}

// Shift is one replica that went to another cluster.
type Shift struct {
	From, To string
	// Group that had no replica, such as "region eu".
	Group string
}
