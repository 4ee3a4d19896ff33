package capacity

import (
	"fmt"

	"k8s.io/client-go/tools/cache"
)

// account is what is remembered of one kind's objects.
type account[S any] struct {
	shares map[string]S
	// synced is set from the first full list on, refused while the member denies us the kind.
	synced, refused bool
}

// settled tells whether there is nothing more to wait for.
func (a *account[S]) settled() bool { return a.synced || a.refused }

// keyed is an object reduced to its share; it passes through the reflector in the object's place.
type keyed[S any] struct {
	key   string
	share S
	// none marks an object of which nothing is remembered.
	none bool
}

// store is the end of a reflector: it feeds one kind's objects into a ledger.
type store[S any] struct {
	ledger  *Ledger
	account *account[S]
	equal   func(a, b S) bool
	// reduceObject makes the share of an object.
	reduceObject func(any) (keyed[S], error)
	// intern, if not nil, makes a share refer to what the ledger holds already. The ledger is locked.
	intern func(S) S
	// count adds a share to what the ledger sums up, sign times. The ledger is locked.
	count func(key string, share S, sign int64)
	// replaced, if not nil, is called after a full list was counted. The ledger is locked.
	replaced func()
	// totals tells whether the kind is part of the totals.
	totals bool
}

var _ cache.TransformingStore = &store[podShare]{}

// Transformer reduces objects while the reflector streams them, so that no list of full objects ever exists.
func (s *store[S]) Transformer() cache.TransformFunc {
	return func(obj any) (any, error) { return s.reduce(obj) }
}

func (s *store[S]) reduce(obj any) (keyed[S], error) {
	switch o := obj.(type) {
	case keyed[S]:
		return o, nil
	case cache.DeletedFinalStateUnknown:
		return s.reduce(o.Obj)
	}
	k, err := s.reduceObject(obj)
	if err != nil {
		return k, fmt.Errorf("summing up: %w", err)
	}
	return k, nil
}

func (s *store[S]) interned(share S) S {
	if s.intern == nil {
		return share
	}
	return s.intern(share)
}

func (s *store[S]) Add(obj any) error { return s.Update(obj) }

func (s *store[S]) Update(obj any) error {
	k, err := s.reduce(obj)
	if err != nil {
		return err
	}
	if k.none {
		s.drop(k.key)
		return nil
	}
	l := s.ledger
	l.mu.Lock()
	old, known := s.account.shares[k.key]
	// A pod changes many times without asking for more or less: most updates end here.
	moved := !known || !s.equal(old, k.share)
	if moved {
		if known {
			s.count(k.key, old, -1)
		}
		share := s.interned(k.share)
		s.account.shares[k.key] = share
		s.count(k.key, share, 1)
	}
	tell := moved && s.account.synced
	l.mu.Unlock()
	if tell {
		l.tell(s.totals)
	}
	return nil
}

func (s *store[S]) Delete(obj any) error {
	k, err := s.reduce(obj)
	if err != nil {
		return err
	}
	s.drop(k.key)
	return nil
}

func (s *store[S]) drop(key string) {
	l := s.ledger
	l.mu.Lock()
	old, known := s.account.shares[key]
	if known {
		delete(s.account.shares, key)
		s.count(key, old, -1)
	}
	l.mu.Unlock()
	if known {
		l.tell(s.totals)
	}
}

// Replace starts the kind's account anew from a full list.
func (s *store[S]) Replace(list []any, _ string) error {
	shares := make(map[string]S, len(list))
	for _, obj := range list {
		k, err := s.reduce(obj)
		if err != nil {
			return err
		}
		if !k.none {
			shares[k.key] = k.share
		}
	}
	l := s.ledger
	l.mu.Lock()
	old := s.account.shares
	s.account.shares, s.account.synced, s.account.refused = shares, true, false
	for key, share := range old {
		s.count(key, share, -1)
	}
	for key, share := range shares {
		share = s.interned(share)
		shares[key] = share
		s.count(key, share, 1)
	}
	if s.replaced != nil {
		s.replaced()
	}
	l.mu.Unlock()
	l.tell(s.totals)
	return nil
}

// refuse records that the member denies us the kind: nothing is known of it.
func (s *store[S]) refuse() {
	l := s.ledger
	l.mu.Lock()
	was := s.account.refused
	if !was {
		old := s.account.shares
		s.account.shares, s.account.synced, s.account.refused = map[string]S{}, false, true
		for key, share := range old {
			s.count(key, share, -1)
		}
		if s.replaced != nil {
			s.replaced()
		}
	}
	l.mu.Unlock()
	if !was {
		l.tell(s.totals)
	}
}

func (s *store[S]) Resync() error { return nil }
