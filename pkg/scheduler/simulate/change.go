package simulate

import (
	"fmt"
	"maps"
	"strings"

	clusterv1alpha1 "github.com/karmada-io/karmada/pkg/apis/cluster/v1alpha1"

	"atoll.dev/atoll/apis/scheduling/v1alpha1"
	"atoll.dev/atoll/pkg/scheduler/snapshot"
)

// Apply makes the changes. A cluster that does not exist is refused, naming those that do.
func Apply(s *snapshot.Snapshot, changes v1alpha1.Changes) (*snapshot.Snapshot, error) {
	for i := range changes.Clusters {
		c := &changes.Clusters[i]
		if s.Get(c.Name) == nil {
			return nil, fmt.Errorf("cluster %q does not exist; %s", c.Name, existing(s))
		}
	}
	for i := range changes.Clusters {
		c := &changes.Clusters[i]
		if c.Fail {
			s = s.Without(c.Name)
			continue
		}
		s = s.Suppose(c.Name, func(o *clusterv1alpha1.Cluster) { change(o, c) })
	}
	return s, nil
}

func change(o *clusterv1alpha1.Cluster, c *v1alpha1.ClusterChange) {
	if len(c.Labels) > 0 && o.Labels == nil {
		o.Labels = map[string]string{}
	}
	maps.Copy(o.Labels, c.Labels)
	for _, key := range c.RemoveLabels {
		delete(o.Labels, key)
	}
	if c.Taints != nil {
		o.Spec.Taints = c.Taints
	}
	if c.Provider != nil {
		o.Spec.Provider = *c.Provider
	}
	if c.Region != nil {
		o.Spec.Region = *c.Region
	}
	if c.Zones != nil {
		o.Spec.Zones = c.Zones
	}
}

func existing(s *snapshot.Snapshot) string {
	const most = 10
	var names []string
	for _, c := range s.Clusters() {
		if len(names) == most {
			names = append(names, "…")
			break
		}
		names = append(names, c.Name)
	}
	if len(names) == 0 {
		return "there is none"
	}
	return "there are: " + strings.Join(names, ", ")
}
