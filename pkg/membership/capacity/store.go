package capacity

import (
	"fmt"
	"reflect"

	"k8s.io/client-go/tools/cache"
)

// store is the end of a reflector: it feeds one kind's objects into a ledger.
type store[S any] struct {
	ledger  *Ledger
	account *account[S]
	count   func(S, int64)
	shareOf func(any) (keyed[S], error)
}

var _ cache.TransformingStore = &store[podShare]{}

func (l *Ledger) nodeStore() *store[nodeShare] {
	return &store[nodeShare]{ledger: l, account: &l.nodes, count: l.countNode, shareOf: nodeShareOf}
}

func (l *Ledger) podStore() *store[podShare] {
	return &store[podShare]{ledger: l, account: &l.pods, count: l.countPod, shareOf: podShareOf}
}

// Transformer reduces objects while the reflector streams them, so that no list of full objects ever exists.
func (s *store[S]) Transformer() cache.TransformFunc {
	return func(obj any) (any, error) { return s.reduce(obj) }
}

func (s *store[S]) reduce(obj any) (keyed[S], error) {
	if k, ok := obj.(keyed[S]); ok {
		return k, nil
	}
	if gone, ok := obj.(cache.DeletedFinalStateUnknown); ok {
		obj = gone.Obj
	}
	return s.shareOf(obj)
}

func (s *store[S]) Add(obj any) error { return s.Update(obj) }

func (s *store[S]) Update(obj any) error {
	k, err := s.reduce(obj)
	if err != nil {
		return fmt.Errorf("summing up: %w", err)
	}
	l := s.ledger
	l.mu.Lock()
	old, known := s.account.shares[k.key]
	// A pod changes many times without asking for more or less: most updates end here.
	moved := !known || !reflect.DeepEqual(old, k.share)
	if moved {
		if known {
			s.count(old, -1)
		}
		s.count(k.share, 1)
		s.account.shares[k.key] = k.share
	}
	tell := moved && s.account.synced
	l.mu.Unlock()
	if tell {
		l.changed()
	}
	return nil
}

func (s *store[S]) Delete(obj any) error {
	k, err := s.reduce(obj)
	if err != nil {
		return fmt.Errorf("summing up: %w", err)
	}
	l := s.ledger
	l.mu.Lock()
	old, known := s.account.shares[k.key]
	if known {
		s.count(old, -1)
		delete(s.account.shares, k.key)
	}
	l.mu.Unlock()
	if known {
		l.changed()
	}
	return nil
}

// Replace starts the kind's account anew from a full list.
func (s *store[S]) Replace(list []any, _ string) error {
	shares := make(map[string]S, len(list))
	for _, obj := range list {
		k, err := s.reduce(obj)
		if err != nil {
			return fmt.Errorf("summing up: %w", err)
		}
		shares[k.key] = k.share
	}
	l := s.ledger
	l.mu.Lock()
	for _, old := range s.account.shares {
		s.count(old, -1)
	}
	for _, share := range shares {
		s.count(share, 1)
	}
	s.account.shares, s.account.synced = shares, true
	l.mu.Unlock()
	l.changed()
	return nil
}

func (s *store[S]) Resync() error { return nil }
