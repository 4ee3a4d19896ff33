package spread

import (
	"fmt"

	policyv1alpha1 "github.com/karmada-io/karmada/pkg/apis/policy/v1alpha1"

	"atoll.dev/atoll/pkg/scheduler/snapshot"
)

// Constraint bounds the number of groups that a workload is spread over.
type Constraint struct {
	// Field that clusters of a group have in common; empty if they are grouped by Label.
	Field policyv1alpha1.SpreadFieldValue
	// Label whose value clusters of a group have in common.
	Label string
	// Least and Most bound the number of groups that are chosen; Most 0 is no bound.
	Least, Most int
}

// Parse reads the constraints of a placement. One that names neither a field nor a
// label counts clusters, and the least number is at least 1.
func Parse(constraints []policyv1alpha1.SpreadConstraint) []Constraint {
	parsed := make([]Constraint, len(constraints))
	for i, c := range constraints {
		parsed[i] = Constraint{Field: c.SpreadByField, Label: c.SpreadByLabel, Least: max(c.MinGroups, 1), Most: max(c.MaxGroups, 0)}
		switch {
		case c.SpreadByLabel != "":
			parsed[i].Field = ""
		case c.SpreadByField == "":
			parsed[i].Field = policyv1alpha1.SpreadByFieldCluster
		}
	}
	return parsed
}

// By names what is counted: "cluster", "region", "zone", "provider" or "label KEY".
func (c Constraint) By() string {
	if c.Label != "" {
		return "label " + c.Label
	}
	return string(c.Field)
}

// CountsClusters tells whether each cluster is a group of its own.
func (c Constraint) CountsClusters() bool { return c.Field == policyv1alpha1.SpreadByFieldCluster }

// Bounds writes the bounds as "2..4", or "2 or more".
func (c Constraint) Bounds() string {
	if c.Most == 0 {
		return fmt.Sprintf("%d or more", c.Least)
	}
	return fmt.Sprintf("%d..%d", c.Least, c.Most)
}

// Has tells whether a cluster is in any group.
func (c Constraint) Has(cluster *snapshot.Cluster) bool {
	switch c.Field {
	case policyv1alpha1.SpreadByFieldCluster:
		return true
	case policyv1alpha1.SpreadByFieldZone:
		return len(cluster.Zones) > 0
	default:
		return c.valueOf(cluster) != ""
	}
}

// GroupsOf returns the groups that a cluster is in; none if it lacks the property.
// A cluster is in one group but for zones, of which it may have several.
func (c Constraint) GroupsOf(cluster *snapshot.Cluster) []string {
	if c.Field == policyv1alpha1.SpreadByFieldZone {
		return cluster.Zones
	}
	if value := c.valueOf(cluster); value != "" {
		return []string{value}
	}
	return nil
}

// valueOf returns the property of which a cluster has at most one value.
func (c Constraint) valueOf(cluster *snapshot.Cluster) string {
	switch c.Field {
	case policyv1alpha1.SpreadByFieldCluster:
		return cluster.Name
	case policyv1alpha1.SpreadByFieldRegion:
		return cluster.Fields[snapshot.RegionField]
	case policyv1alpha1.SpreadByFieldProvider:
		return cluster.Fields[snapshot.ProviderField]
	default:
		return cluster.Labels[c.Label]
	}
}

// Missing says what a cluster in no group lacks, as it follows a number of clusters.
func (c Constraint) Missing() string {
	return "have no " + c.By()
}

// Interest returns the changes of a cluster that can put it in another group.
func (c Constraint) Interest() snapshot.Change {
	switch {
	case c.Label != "":
		return snapshot.Labels
	case c.CountsClusters():
		return snapshot.None
	default:
		return snapshot.Topology
	}
}
