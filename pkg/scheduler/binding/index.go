package binding

import (
	"cmp"
	"slices"
	"sync"
)

// Index finds bindings by what they have a part in, and keeps decisions that are
// made at the same time from disputing it. Its zero value is empty and ready to
// use; a nil Index is empty and takes every claim.
type Index struct {
	// mu guards everything below. It is taken after that of a Store, never before.
	mu      sync.RWMutex
	members map[Key]*Member
	// written are the members as the API server has them, by stake.
	written stakes
	// claimed are the members as decisions that are not written down yet want them.
	claimed stakes
	// freed are the bindings that may have been refused for what another one gave up since.
	freed map[Key]struct{}
	// raised holds a token whenever freed is not empty; nil until somebody asks for it.
	raised chan struct{}
}

type stakes map[Stake]map[Key]*Member

func (s stakes) add(stake Stake, m *Member) {
	if s[stake] == nil {
		s[stake] = map[Key]*Member{}
	}
	s[stake][m.Key] = m
}

func (s stakes) remove(stake Stake, key Key) {
	delete(s[stake], key)
	if len(s[stake]) == 0 {
		delete(s, stake)
	}
}

// Peers returns the other bindings with the stake that may be anywhere, in the order of their keys.
func (x *Index) Peers(stake Stake, self Key) []*Member {
	if x == nil {
		return nil
	}
	x.mu.RLock()
	defer x.mu.RUnlock()
	peers := make([]*Member, 0, len(x.written[stake]))
	for key, m := range x.written[stake] {
		if key != self && len(m.Present) > 0 {
			peers = append(peers, m)
		}
	}
	slices.SortFunc(peers, func(a, b *Member) int {
		return cmp.Or(cmp.Compare(a.Key.Namespace, b.Key.Namespace), cmp.Compare(a.Key.Name, b.Key.Name))
	})
	return peers
}

// Claim holds the stakes for a member as it is about to be written, if admits
// agrees to each other member that has one of them, be it written or claimed. No
// other Claim comes between. The claim stands until release is called.
func (x *Index) Claim(m *Member, of []Stake, admits func(stake Stake, peer *Member) bool) (release func(), ok bool) {
	if x == nil {
		return func() {}, true
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	for _, stake := range of {
		for _, members := range []map[Key]*Member{x.written[stake], x.claimed[stake]} {
			for key, peer := range members {
				if key != m.Key && !admits(stake, peer) {
					return nil, false
				}
			}
		}
	}
	if x.claimed == nil {
		x.claimed = stakes{}
	}
	for _, stake := range of {
		x.claimed.add(stake, m)
	}
	return func() {
		x.mu.Lock()
		defer x.mu.Unlock()
		for _, stake := range of {
			if x.claimed[stake][m.Key] == m {
				x.claimed.remove(stake, m.Key)
			}
		}
	}, true
}

// set takes in what a binding has become: nil if it has no stakes or is gone.
func (x *Index) set(key Key, now *Member) {
	x.mu.Lock()
	defer x.mu.Unlock()
	before := x.members[key]
	switch {
	case before == nil && now == nil, before != nil && now != nil && before.equal(now):
		return
	case before != nil:
		for _, stake := range before.Stakes() {
			x.written.remove(stake, key)
			if len(before.Present) > 0 {
				x.free(stake)
			}
		}
		delete(x.members, key)
	}
	if now == nil {
		return
	}
	if x.members == nil {
		x.members, x.written = map[Key]*Member{}, stakes{}
	}
	x.members[key] = now
	for _, stake := range now.Stakes() {
		x.written.add(stake, now)
	}
}

// free notes that others with the stake may fit where they did not. Callers hold mu.
func (x *Index) free(stake Stake) {
	for key := range x.written[stake] {
		if x.freed == nil {
			x.freed = map[Key]struct{}{}
		}
		x.freed[key] = struct{}{}
	}
	x.raise()
}

// raise puts the token where it has to be. Callers hold mu.
func (x *Index) raise() {
	if x.raised == nil || len(x.freed) == 0 {
		return
	}
	select {
	case x.raised <- struct{}{}:
	default:
	}
}

// Freed returns a channel with a token in it whenever there is something to take.
func (x *Index) Freed() <-chan struct{} {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.raised == nil {
		x.raised = make(chan struct{}, 1)
		x.raise()
	}
	return x.raised
}

// TakeFreed returns the bindings whose peers changed, since it was called last, in
// a way that may let them in where they were refused.
func (x *Index) TakeFreed() []Key {
	x.mu.Lock()
	defer x.mu.Unlock()
	keys := make([]Key, 0, len(x.freed))
	for key := range x.freed {
		keys = append(keys, key)
	}
	clear(x.freed)
	return keys
}
