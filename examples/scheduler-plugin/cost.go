package main

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"

	"atoll.dev/atoll/pkg/scheduler/framework"
	"atoll.dev/atoll/pkg/scheduler/snapshot"
)

const costName = "LowestCost"

// costArgs are the args of LowestCost in the configuration file.
type costArgs struct {
	// Label holds what a cluster costs, a whole number. Default: cost.
	Label string `json:"label"`
	// Highest is the cost from which on a cluster gets no score. Default: 100.
	Highest int64 `json:"highest"`
}

// cost is a framework.ScorePlugin.
type cost struct{ costArgs }

func newCost(_ context.Context, args json.RawMessage, _ framework.Handle) (framework.Plugin, error) {
	p := &cost{costArgs{Label: "cost", Highest: 100}}
	if err := framework.DecodeArgs(args, &p.costArgs); err != nil {
		return nil, err
	}
	if p.Highest < 1 || p.Highest > 1_000_000 {
		return nil, fmt.Errorf("highest is %d: must be from 1 to 1000000", p.Highest)
	}
	return p, nil
}

func (*cost) Name() string { return costName }

// Score goes down from MaxScore as the cost goes up. A cluster that does not tell its cost gets the worst.
func (p *cost) Score(context.Context, *framework.Request) framework.ClusterScore {
	return func(c *snapshot.Cluster) int64 {
		cost, err := strconv.ParseInt(c.Labels[p.Label], 10, 64)
		if err != nil || cost < 0 || cost > p.Highest {
			return 0
		}
		return framework.MaxScore * (p.Highest - cost) / p.Highest
	}
}
