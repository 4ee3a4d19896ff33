package snapshot

import (
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	clusterv1alpha1 "github.com/karmada-io/karmada/pkg/apis/cluster/v1alpha1"

	"atoll.dev/atoll/pkg/membership/capacity"
)

// Snapshot is every cluster at one moment. It never changes.
type Snapshot struct {
	clusters []*Cluster
	// Generation grows with every change that Compare reports: as long as it stands
	// still, nothing happened that a refused workload may wait for, but for nodes that
	// have more room and the like, of which SetNodes tells by its Event only.
	Generation int64
}

// New returns a snapshot of the given objects, for deciding without a Store.
func New(objects ...*clusterv1alpha1.Cluster) *Snapshot {
	var s Store
	for _, o := range objects {
		s.Set(o)
	}
	return s.Snapshot()
}

// Clusters returns all clusters in the order of their names. The caller must not write to the slice.
func (s *Snapshot) Clusters() []*Cluster { return s.clusters }

// Get returns the cluster of a name, or nil.
func (s *Snapshot) Get(name string) *Cluster {
	if i, ok := find(s.clusters, name); ok {
		return s.clusters[i]
	}
	return nil
}

// Event is what a write to the Store changed.
type Event struct {
	// Before and After are nil where the cluster is not there.
	Before, After *Cluster
	Change        Change
	// Gained is, where MoreRoom is about nodes and known in detail, the most that any of
	// those that gained has left now, each resource for itself: what needs more of any
	// fits none of them.
	Gained *capacity.Amounts
}

// Store holds the clusters as they are now. Its zero value is empty and ready to use.
type Store struct {
	// mu guards the fields below and orders stores to current.
	mu sync.Mutex
	// clusters is sorted by name, and never written in place while lent.
	clusters   []*Cluster
	lent       bool
	generation int64
	// views are the members' nodes by cluster, those of clusters that are not there yet included.
	views map[string]*capacity.View
	// current is the snapshot of clusters, nil if none was taken since they changed.
	current atomic.Pointer[Snapshot]
}

// Snapshot returns the clusters as they are now. It costs nothing if nothing changed since the last one.
func (s *Store) Snapshot() *Snapshot {
	if now := s.current.Load(); now != nil {
		return now
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if now := s.current.Load(); now != nil {
		return now
	}
	now := &Snapshot{clusters: s.clusters, Generation: s.generation}
	s.lent = true
	s.current.Store(now)
	return now
}

// Generation returns the Generation that a Snapshot taken now would have.
func (s *Store) Generation() int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.generation
}

// Set puts a cluster in or replaces it. The object must not change afterwards.
func (s *Store) Set(object *clusterv1alpha1.Cluster) Event {
	s.mu.Lock()
	defer s.mu.Unlock()
	i, found := find(s.clusters, object.Name)
	var e Event
	if found {
		e.Before = s.clusters[i]
	}
	e.After = parse(object, e.Before)
	e.After.Nodes = s.views[object.Name]
	e.Change = Compare(e.Before, e.After)
	s.own()
	if found {
		s.clusters[i] = e.After
	} else {
		s.clusters = slices.Insert(s.clusters, i, e.After)
	}
	s.changed(e)
	return e
}

// Delete takes a cluster out; one that is not there changes nothing.
func (s *Store) Delete(name string) Event {
	s.mu.Lock()
	defer s.mu.Unlock()
	i, found := find(s.clusters, name)
	if !found {
		return Event{}
	}
	e := Event{Before: s.clusters[i], Change: Left}
	s.own()
	s.clusters = slices.Delete(s.clusters, i, i+1)
	s.changed(e)
	return e
}

// own makes the slice safe to write. Callers hold mu.
func (s *Store) own() {
	if s.lent {
		s.clusters = slices.Clone(s.clusters)
		s.lent = false
	}
}

// changed drops the snapshot that no longer holds. Callers hold mu.
func (s *Store) changed(e Event) {
	if e.Change != None {
		s.generation++
	}
	s.current.Store(nil)
}

func find(clusters []*Cluster, name string) (int, bool) {
	return slices.BinarySearchFunc(clusters, name, func(c *Cluster, name string) int { return strings.Compare(c.Name, name) })
}
