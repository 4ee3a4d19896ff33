package reservation

import (
	"context"
	"slices"
	"sync"
	"time"

	"k8s.io/utils/clock"

	workv1alpha2 "github.com/karmada-io/karmada/pkg/apis/work/v1alpha2"

	"atoll.dev/atoll/pkg/scheduler/binding"
	"atoll.dev/atoll/pkg/scheduler/cycle"
	"atoll.dev/atoll/pkg/scheduler/estimator"
	"atoll.dev/atoll/pkg/scheduler/framework"
)

const (
	// Name of the plugin.
	Name = "CapacityReservation"

	// Expiry is how long a claim lasts if the member never reports the pods: a member that
	// has not made them by then will not, or does not tell.
	Expiry = 2 * time.Minute
	// Settling is how long a claim lasts after the pods were reported: twice the interval
	// in which a member's summary is written, so that the room they took is told of by then.
	Settling = 10 * time.Second
)

// Book holds the claims of decisions. It is safe for concurrent use.
type Book struct {
	members  *estimator.Members
	clock    clock.PassiveClock
	bindings Bindings

	// mu guards claims and what they point to. It is never held while estimating; the
	// locks of members and of bindings come after it.
	mu     sync.Mutex
	claims map[binding.Key][]*claim
	// looked are the bindings behind them as they were at the last Sweep.
	looked map[binding.Key]*binding.Binding
	freed  func(cluster string)
}

var _ framework.ReservePlugin = &Book{}

// claim is what one decision added to one cluster.
type claim struct {
	*estimator.Claim
	cluster string
	// target is what the binding had in the cluster when the claim was made, the
	// claim included.
	target int32
	since  time.Time
	// written tells that the decision has been written down.
	written bool
	// shown is since when the member reports the pods, zero if it does not yet.
	shown time.Time
}

// New makes a Book that claims of members. It calls freed, which may be nil, after
// claims on a cluster ended: there may be room again.
func New(members *estimator.Members, clock clock.PassiveClock, freed func(cluster string)) *Book {
	if freed == nil {
		freed = func(string) {}
	}
	return &Book{members: members, clock: clock, freed: freed, claims: map[binding.Key][]*claim{}, looked: map[binding.Key]*binding.Binding{}}
}

// Bindings are the newest known versions of bindings.
type Bindings interface {
	// Get returns a binding, or nil if there is none.
	Get(binding.Key) *binding.Binding
}

// Consult has the Book look at bindings where it is told that a decision was not
// written: of several writes some may have succeeded. It is called before the first Reserve.
func (b *Book) Consult(bindings Bindings) *Book {
	b.bindings = bindings
	return b
}

// Name implements framework.Plugin.
func (*Book) Name() string { return Name }

// Reserve implements framework.ReservePlugin. Only replicas that are divided by room can
// be refused: whoever sends all of them everywhere, or divides by weight, did not look
// at the room. What they take counts all the same.
func (b *Book) Reserve(_ context.Context, r *framework.Request, targets []workv1alpha2.TargetCluster) (release func(written bool), ok bool) {
	takes, replicas := takesOf(r, targets)
	var made []*claim
	if len(takes) > 0 {
		claims, ok := b.members.Claim(r.Spec, takes, cycle.LimitedByRoom(r))
		if !ok {
			return nil, false
		}
		now := b.clock.Now()
		for i, c := range claims {
			made = append(made, &claim{Claim: c, cluster: takes[i].Cluster.Name, target: replicas[i], since: now})
		}
		b.enter(r.Binding, made)
	}
	return func(written bool) { b.settle(r.Binding, made, targets, written) }, true
}

// takesOf returns what the targets add to what the binding holds, and for each of
// these clusters the replicas that it has then.
func takesOf(r *framework.Request, targets []workv1alpha2.TargetCluster) (takes []estimator.Take, replicas []int32) {
	sets := estimator.AsksForSets(r.Spec)
	for _, t := range targets {
		n := t.Replicas - r.Held(t.Name)
		if sets { // they go to a cluster once, as they are
			n = 0
			if !r.Holds(t.Name) {
				n = 1
			}
		}
		if n <= 0 {
			continue
		}
		if c := r.Snapshot.Get(t.Name); c != nil {
			takes = append(takes, estimator.Take{Cluster: c, Replicas: n})
			replicas = append(replicas, t.Replicas)
		}
	}
	return takes, replicas
}

func (b *Book) enter(key binding.Key, made []*claim) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.claims[key] = append(b.claims[key], made...)
}

// settle ends a decision: what was claimed for it stays if it has been written, and
// what was claimed before is lowered to what it left of that.
func (b *Book) settle(key binding.Key, made []*claim, targets []workv1alpha2.TargetCluster, written bool) {
	b.tell(func() []string {
		if !written && !b.isWritten(key, made) {
			return b.keep(key, func(c *claim) bool { return !slices.Contains(made, c) })
		}
		for _, c := range made {
			c.written = true
		}
		delete(b.looked, key)
		return b.lower(key, targets)
	})
}

// isWritten tells whether the binding has what was claimed for it.
func (b *Book) isWritten(key binding.Key, made []*claim) bool {
	if b.bindings == nil || len(made) == 0 {
		return false
	}
	bound := b.bindings.Get(key)
	return bound != nil && !slices.ContainsFunc(made, func(c *claim) bool {
		return !slices.Contains(bound.Spec.Clusters, workv1alpha2.TargetCluster{Name: c.cluster, Replicas: c.target})
	})
}

// tell runs f with mu held, and then tells of the clusters whose claims it ended.
func (b *Book) tell(f func() []string) {
	b.mu.Lock()
	freed := f()
	b.mu.Unlock()
	slices.Sort(freed)
	for _, cluster := range slices.Compact(freed) {
		b.freed(cluster)
	}
}

// lower adapts the claims of a binding to the clusters that it has: a cluster that has fewer
// replicas than were counted on loses those first that its member does not show. mu is held.
func (b *Book) lower(key binding.Key, targets []workv1alpha2.TargetCluster) (freed []string) {
	claims := b.claims[key]
	if len(claims) == 0 {
		return nil
	}
	now := make(map[string]int32, len(targets))
	for _, t := range targets {
		now[t.Name] = t.Replicas
	}
	dropped := b.keep(key, func(c *claim) bool {
		if !c.written {
			return true
		}
		replicas, there := now[c.cluster]
		if gone := c.target - replicas; there && gone > 0 {
			c.Shrink(c.Replicas() - gone)
			c.target = replicas
			freed = append(freed, c.cluster)
		}
		return there && c.Replicas() > 0
	})
	return append(freed, dropped...)
}

// keep drops the claims of a binding that f does not want, and returns their clusters. mu is held.
func (b *Book) keep(key binding.Key, f func(*claim) bool) (freed []string) {
	kept := b.claims[key][:0]
	for _, c := range b.claims[key] {
		if f(c) {
			kept = append(kept, c)
			continue
		}
		c.Drop()
		freed = append(freed, c.cluster)
	}
	clear(b.claims[key][len(kept):])
	if len(kept) > 0 {
		b.claims[key] = kept
	} else {
		delete(b.claims, key)
		delete(b.looked, key)
	}
	return freed
}

// Outstanding returns how many claims there are.
func (b *Book) Outstanding() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	n := 0
	for _, claims := range b.claims {
		n += len(claims)
	}
	return n
}
