package scheduler

import (
	"time"

	workv1alpha2 "github.com/karmada-io/karmada/pkg/apis/work/v1alpha2"

	"atoll.dev/atoll/pkg/membership/capacity"
	"atoll.dev/atoll/pkg/scheduler/snapshot"
)

// paced are changes that can wait a moment.
const paced = offers | snapshot.Stuck

// offerPace is the least time between two passes that only paced changes cause. Somewhere in a
// fleet a pod ends at every moment: without it whoever waits would be decided all the time.
const offerPace = 500 * time.Millisecond

// offer is raise for what changes all the time: room, above all. The first offer after a pause is dealt with at
// once, those that follow together and when it is time; a change that is not paced waits for nothing.
func (a *alarm) offer(e snapshot.Event) {
	if e.Change == snapshot.None {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.record(e)
	now := a.clock.Now()
	switch {
	case e.Change&^paced != snapshot.None:
		a.ring()
	case !now.Before(a.nextOffer):
		a.nextOffer = now.Add(offerPace)
		a.ring()
	case !a.offered:
		due := a.nextOffer
		a.offered, a.nextOffer = true, due.Add(offerPace)
		a.clock.AfterFunc(due.Sub(now), func() {
			a.mu.Lock()
			defer a.mu.Unlock()
			a.offered = false
			a.ring()
		})
	}
}

// gain takes in that there is more room: for those whom gained holds, or for anybody if that is nil.
func (u *upheaval) gain(gained *capacity.Amounts) {
	switch {
	case gained == nil:
		u.room = true
	case u.gained == nil:
		u.gained = &capacity.Amounts{}
		fallthrough
	default:
		u.gained.Raise(*gained)
	}
}

// offersTo returns the change less what it has no use for.
func (u *upheaval) offersTo(spec *workv1alpha2.ResourceBindingSpec) snapshot.Change {
	if u.room || u.gained == nil || len(spec.Components) > 0 || holds(u.gained, spec.ReplicaRequirements) {
		return u.change
	}
	return u.change &^ snapshot.MoreRoom
}

// holds tells whether one replica may fit what is free.
func holds(free *capacity.Amounts, r *workv1alpha2.ReplicaRequirements) bool {
	if free.Pods < 1 {
		return false
	}
	if r == nil {
		return true
	}
	needs := capacity.AmountsOf(r.ResourceRequest)
	for name := range r.ResourceRequest {
		if need := needs.Of(name); need > 0 && free.Of(name) < need {
			return false
		}
	}
	return true
}
