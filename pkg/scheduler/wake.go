package scheduler

import (
	"context"
	"slices"
	"sync"
	"time"

	"k8s.io/klog/v2"
	"k8s.io/utils/clock"

	policyv1alpha1 "github.com/karmada-io/karmada/pkg/apis/policy/v1alpha1"

	"atoll.dev/atoll/pkg/membership/capacity"
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
	// raised holds a token whenever changed is not empty, but for offers that wait.
	raised chan struct{}
	// The three below pace offers: see offer.
	clock     clock.WithDelayedExecution
	nextOffer time.Time
	offered   bool
}

// upheaval is what happened to one cluster since the last pass.
type upheaval struct {
	name   string
	change snapshot.Change
	// room tells of room for anybody; gained, if not nil, of room for those whom it holds.
	room   bool
	gained *capacity.Amounts
	// versions are what the cluster has been meanwhile, first and last included; of
	// those that differ in their room alone, one.
	versions []*snapshot.Cluster
}

func newAlarm() *alarm {
	return &alarm{changed: map[string]*upheaval{}, raised: make(chan struct{}, 1), clock: clock.RealClock{}}
}

func (a *alarm) raise(e snapshot.Event) {
	if e.Change == snapshot.None {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.record(e)
	a.ring()
}

// record adds an event to what is to be dealt with. mu is held.
func (a *alarm) record(e snapshot.Event) {
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
	if e.Change.Has(snapshot.MoreRoom) {
		u.gain(e.Gained)
	}
	if e.Change == snapshot.MoreRoom && len(u.versions) > 0 {
		u.versions[len(u.versions)-1] = e.After
		return
	}
	for _, c := range []*snapshot.Cluster{e.Before, e.After} {
		// What is known of its nodes makes no other version: placements choose by the object.
		if c != nil && !slices.ContainsFunc(u.versions, func(v *snapshot.Cluster) bool { return v.Object == c.Object }) {
			u.versions = append(u.versions, c)
		}
	}
}

func (a *alarm) ring() {
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

// restAfterPass is how many times as long as a pass over the bindings took nothing is
// looked at after it, so that passes never take more than a tenth of a processor.
const restAfterPass = 9

// wake queues the bindings that changed clusters and changed peers concern, until the context ends.
func (s *Scheduler) wake(ctx context.Context, a *alarm, q queue) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-s.bindings.Peers().Freed():
			s.queueFreed(q)
			continue
		case <-a.raised:
		}
		began := time.Now()
		s.queueConcerned(ctx, a.take(), q)
		select {
		case <-ctx.Done():
			return
		case <-time.After(restAfterPass * time.Since(began)):
		}
	}
}

// queueFreed queues the bindings for which others made way.
func (s *Scheduler) queueFreed(q queue) {
	for _, key := range s.bindings.Peers().TakeFreed() {
		if b := s.bindings.Get(key); b != nil {
			enqueueAgain(q, b)
		}
	}
}

// offers are changes that concern nobody but those who wait.
const offers = snapshot.MoreRoom | snapshot.Quotas

// queueConcerned queues the bindings that changed clusters concern. Those that wait and
// have nothing new but more room somewhere are let in by the retries.
func (s *Scheduler) queueConcerned(ctx context.Context, upheavals []*upheaval, q queue) {
	if len(upheavals) == 0 { // an earlier pass took an offer that was waiting
		return
	}
	s.passes.Add(1) // after the changes were made, and before looking who waits
	change := snapshot.None
	for _, u := range upheavals {
		change |= u.change
	}
	if change&^offers == snapshot.None && s.parked.Len() == 0 {
		return // members change their room many times a second
	}
	woken := 0
	var again []retry
	for key, b := range s.bindings.All() {
		change := s.concerned(key, b, upheavals)
		if change == snapshot.None {
			continue
		}
		place, wakes := s.parked.Wake(key)
		switch parked := place.Turn > 0; {
		case parked && change&^offers == snapshot.None:
			if wakes {
				again = append(again, retry{b, place.Turn})
			}
		case parked && !change.Has(snapshot.Left):
			enqueueAgain(q, b)
		default:
			enqueue(q, b)
		}
		woken++
	}
	s.retries.add(again, func(b *binding.Binding) { enqueueAgain(q, b) })
	klog.FromContext(ctx).V(4).Info("Clusters changed", "clusters", len(upheavals), "bindings", woken)
}

// concerned returns what of that which happened to clusters may lead to another
// decision about a binding. What rules most bindings out comes first.
func (s *Scheduler) concerned(key binding.Key, b *binding.Binding, upheavals []*upheaval) (change snapshot.Change) {
	place, parked := s.parked.At(key)
	waits := place.Waits
	switch {
	case place.Woken:
		waits &^= offers // it has yet to try since it was woken
	case !parked && b.Spec.Placement != nil && goesEverywhere(b.Spec):
		waits = snapshot.Any &^ offers
	}
	var matchers []*affinity.Matcher
	for _, u := range upheavals {
		left := u.change.Has(unsettling) && b.Spec.TargetContains(u.name) && s.unsettles(b, u)
		news := u.offersTo(b.Spec) & waits &^ change
		if !left && news == snapshot.None || !s.responsible(b) {
			continue
		}
		if left {
			return snapshot.Left
		}
		if matchers == nil {
			matchers = reachable(b.Spec.Placement, b.Status.SchedulerObservedAffinityName)
		}
		if reaches(matchers, u.versions) {
			change |= news
		}
	}
	return change
}

// reaches tells whether any of the matchers matches what the cluster is or was.
func reaches(matchers []*affinity.Matcher, versions []*snapshot.Cluster) bool {
	for _, m := range matchers {
		for _, version := range versions {
			if m.Matches(version) {
				return true
			}
		}
	}
	return false
}

// unsettling are changes of a cluster that may move what it holds.
const unsettling = snapshot.Left | snapshot.Labels | snapshot.Topology | snapshot.Stuck

// unsettles tells whether what happened to a cluster may move what it holds of the binding.
func (s *Scheduler) unsettles(b *binding.Binding, u *upheaval) bool {
	if u.change.Has(snapshot.Left | snapshot.Labels | snapshot.Topology) {
		return true
	}
	if !deschedule.Concerns(b.Spec) {
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
