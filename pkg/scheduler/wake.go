package scheduler

import (
	"context"
	"slices"
	"sync"

	"k8s.io/klog/v2"

	policyv1alpha1 "github.com/karmada-io/karmada/pkg/apis/policy/v1alpha1"

	"atoll.dev/atoll/pkg/scheduler/affinity"
	"atoll.dev/atoll/pkg/scheduler/binding"
	"atoll.dev/atoll/pkg/scheduler/cycle"
	"atoll.dev/atoll/pkg/scheduler/deschedule"
	"atoll.dev/atoll/pkg/scheduler/snapshot"
)

// alarm collects what changed of clusters until somebody deals with all of it at
// once: a pass over the bindings costs about the same for one cluster as for all.
type alarm struct {
	mu      sync.Mutex
	changed map[string]*upheaval
	// raised holds a token whenever changed is not empty.
	raised chan struct{}
}

// upheaval is what happened to one cluster since the last pass.
type upheaval struct {
	name   string
	change snapshot.Change
	// versions are all that the cluster has been meanwhile, first and last included.
	versions []*snapshot.Cluster
}

func newAlarm() *alarm {
	return &alarm{changed: map[string]*upheaval{}, raised: make(chan struct{}, 1)}
}

func (a *alarm) raise(e snapshot.Event) {
	if e.Change == snapshot.None {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	name := ""
	for _, c := range []*snapshot.Cluster{e.Before, e.After} {
		if c != nil {
			name = c.Name
		}
	}
	u := a.changed[name]
	if u == nil {
		u = &upheaval{name: name}
		a.changed[name] = u
	}
	u.change |= e.Change
	for _, c := range []*snapshot.Cluster{e.Before, e.After} {
		// What is known of its nodes makes no other version: placements choose by the object.
		if c != nil && !slices.ContainsFunc(u.versions, func(v *snapshot.Cluster) bool { return v.Object == c.Object }) {
			u.versions = append(u.versions, c)
		}
	}
	select {
	case a.raised <- struct{}{}:
	default:
	}
}

func (a *alarm) take() []*upheaval {
	a.mu.Lock()
	defer a.mu.Unlock()
	taken := make([]*upheaval, 0, len(a.changed))
	for _, u := range a.changed {
		taken = append(taken, u)
	}
	clear(a.changed)
	return taken
}

// wake queues the bindings that changed clusters and changed peers concern, until the context ends.
func (s *Scheduler) wake(ctx context.Context, a *alarm, q queue) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-a.raised:
			s.queueConcerned(ctx, a.take(), q)
		case <-s.bindings.Peers().Freed():
			s.queueFreed(q)
		}
	}
}

// queueFreed queues the bindings for which others made way.
func (s *Scheduler) queueFreed(q queue) {
	for _, key := range s.bindings.Peers().TakeFreed() {
		q.Add(key)
	}
}

// offers are changes that concern nobody but those who wait.
const offers = snapshot.MoreRoom | snapshot.Quotas

func (s *Scheduler) queueConcerned(ctx context.Context, upheavals []*upheaval, q queue) {
	change := snapshot.None
	for _, u := range upheavals {
		change |= u.change
	}
	if change&^offers == snapshot.None && s.parked.Len() == 0 {
		return // members change their room many times a second
	}
	woken := 0
	for key, b := range s.bindings.All() {
		if s.concerned(key, b, upheavals) {
			q.Add(key)
			woken++
		}
	}
	klog.FromContext(ctx).V(4).Info("Clusters changed", "clusters", len(upheavals), "bindings", woken)
}

// concerned tells whether what happened to clusters may lead to another decision about a binding.
func (s *Scheduler) concerned(key binding.Key, b *binding.Binding, upheavals []*upheaval) bool {
	if !s.responsible(b) {
		return false
	}
	waits, parked := s.parked.Waits(key)
	if !parked && goesEverywhere(b.Spec) {
		waits = snapshot.Any &^ offers
	}
	var matchers []*affinity.Matcher
	for _, u := range upheavals {
		if b.Spec.TargetContains(u.name) && s.unsettles(b, u) {
			return true
		}
		if !u.change.Has(waits) {
			continue
		}
		if matchers == nil {
			matchers = reachable(b.Spec.Placement, b.Status.SchedulerObservedAffinityName)
		}
		for _, m := range matchers {
			for _, version := range u.versions {
				if m.Matches(version) {
					return true
				}
			}
		}
	}
	return false
}

// unsettles tells whether what happened to a cluster may move what it holds of the binding.
func (s *Scheduler) unsettles(b *binding.Binding, u *upheaval) bool {
	if u.change.Has(snapshot.Left | snapshot.Labels | snapshot.Topology) {
		return true
	}
	if !u.change.Has(snapshot.Stuck) || !deschedule.Concerns(b.Spec) {
		return false
	}
	c := s.clusters.Snapshot().Get(u.name)
	return c != nil && c.Nodes != nil && len(c.Nodes.Stuck[deschedule.Workload(b.Spec)]) > 0
}

// reachable returns matchers for all clusters that a decision could choose: those
// of the group in use and of the groups to fall back to.
func reachable(placement *policyv1alpha1.Placement, observed string) []*affinity.Matcher {
	groups := placement.ClusterAffinities
	if groups == nil {
		return []*affinity.Matcher{affinity.Compile(placement.ClusterAffinity)}
	}
	var matchers []*affinity.Matcher
	for _, group := range groups[cycle.ObservedGroup(groups, observed):] {
		matchers = append(matchers, affinity.Compile(&group.ClusterAffinity))
		for i := range group.OverflowAffinities {
			matchers = append(matchers, affinity.Compile(&group.OverflowAffinities[i].ClusterAffinity))
		}
	}
	return matchers
}
