package snapshot

import (
	"slices"

	clusterv1alpha1 "github.com/karmada-io/karmada/pkg/apis/cluster/v1alpha1"
)

// Suppose returns a snapshot in which one cluster's object has been changed. The
// Snapshot itself stays as it is; a cluster that is not there changes nothing.
func (s *Snapshot) Suppose(name string, change func(*clusterv1alpha1.Cluster)) *Snapshot {
	before := s.Get(name)
	if before == nil {
		return s
	}
	object := before.Object.DeepCopy()
	change(object)
	after := parse(object, before)
	after.Nodes = before.Nodes
	return s.With(after)
}

// With returns a snapshot in which a cluster stands in place of the one of its name.
func (s *Snapshot) With(c *Cluster) *Snapshot {
	i, found := find(s.clusters, c.Name)
	if !found {
		return s
	}
	supposed := &Snapshot{clusters: slices.Clone(s.clusters), Generation: s.Generation}
	supposed.clusters[i] = c
	return supposed
}

// Without returns a snapshot in which a cluster is not there.
func (s *Snapshot) Without(name string) *Snapshot {
	i, found := find(s.clusters, name)
	if !found {
		return s
	}
	return &Snapshot{clusters: slices.Delete(slices.Clone(s.clusters), i, i+1), Generation: s.Generation}
}
