package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"atoll.dev/atoll/pkg/scheduler/framework"
	"atoll.dev/atoll/pkg/scheduler/snapshot"
)

const maintenanceName = "MaintenanceWindow"

// maintenanceArgs are the args of MaintenanceWindow in the configuration file.
type maintenanceArgs struct {
	// Label marks a cluster that is being worked on. Default: maintenance.
	Label string `json:"label"`
	// Value of the label that does. Default: true.
	Value string `json:"value"`
}

// maintenance is a framework.FilterPlugin.
type maintenance struct {
	maintenanceArgs
	refusal *framework.Refusal
}

func newMaintenance(_ context.Context, args json.RawMessage, _ framework.Handle) (framework.Plugin, error) {
	p := &maintenance{maintenanceArgs: maintenanceArgs{Label: "maintenance", Value: "true"}}
	if err := framework.DecodeArgs(args, &p.maintenanceArgs); err != nil {
		return nil, err
	}
	if p.Label == "" {
		return nil, errors.New("label is empty: name the label that marks clusters in maintenance")
	}
	p.refusal = &framework.Refusal{Plugin: maintenanceName, Reason: fmt.Sprintf("cluster(s) were in maintenance (%s=%s)", p.Label, p.Value)}
	return p, nil
}

func (*maintenance) Name() string { return maintenanceName }

// Interest makes workloads that wait for the end of a maintenance go on when labels change.
func (*maintenance) Interest() snapshot.Change { return snapshot.Labels }

// Filter lets a workload stay where it is: maintenance keeps new ones out.
func (p *maintenance) Filter(_ context.Context, r *framework.Request) framework.ClusterFilter {
	return func(c *snapshot.Cluster) *framework.Refusal {
		if value, marked := c.Labels[p.Label]; !marked || value != p.Value || r.Holds(c.Name) {
			return nil
		}
		return p.refusal
	}
}
