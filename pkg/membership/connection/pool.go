package connection

import (
	"context"
	"crypto/sha256"
	"errors"
	"sync"

	"k8s.io/klog/v2"
	"k8s.io/utils/clock"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// PoolOptions are the knobs of a Pool; the zero value is right outside tests.
type PoolOptions struct {
	// Clock defaults to the real one.
	Clock clock.WithTicker
}

// Pool holds one Connection a member. Its methods may be called concurrently.
type Pool struct {
	reader client.Reader
	clock  clock.WithTicker

	// mu guards entries only; it is never held while reading or building, and it is taken after an entry's lock.
	mu      sync.Mutex
	entries map[string]*entry
}

// entry is one member's slot. Its lock serialises building a member's connection without touching other members.
type entry struct {
	mu          sync.Mutex
	conn        *Connection
	rev         revision
	fingerprint [sha256.Size]byte
}

// NewPool reads Clusters and their Secrets through r; it dials nothing by itself.
// r should be cached: it is asked for two or three objects at every For. The objects are not changed.
func NewPool(r client.Reader, opts PoolOptions) *Pool {
	if opts.Clock == nil {
		opts.Clock = clock.RealClock{}
	}
	return &Pool{reader: r, clock: opts.Clock, entries: map[string]*entry{}}
}

// For returns the current connection of a member, or an *Unavailable that says why there is none
// (not joined, secret missing, pull mode, being removed), or the error of a failed read.
// It sends nothing to the member: a connection that is returned may still turn out to lead nowhere.
//
// A Cluster that is being deleted keeps its connection until membership's finalizer is gone, since
// its works are to be removed from the member first.
func (p *Pool) For(ctx context.Context, cluster string) (*Connection, error) {
	t, rev, err := readTarget(ctx, p.reader, cluster)
	if err != nil {
		if gone := new(Unavailable); errors.As(err, &gone) {
			p.drop(ctx, cluster, gone.Reason)
		}
		return nil, err
	}
	e := p.entry(cluster)
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.conn != nil && e.rev == rev {
		return e.conn, nil
	}
	print := t.fingerprint()
	if e.conn != nil && e.fingerprint == print {
		e.rev = rev // a taint or a label changed, nothing that the connection is made of
		return e.conn, nil
	}
	conn, err := connect(t, p.clock)
	if err != nil {
		return nil, err
	}
	if e.conn != nil {
		e.conn.close()
		klog.FromContext(ctx).V(1).Info("Member connection replaced", "cluster", cluster)
	}
	e.conn, e.rev, e.fingerprint = conn, rev, print
	return conn, nil
}

// Refresh brings a member's connection up to date, closing the one that is outdated. Whoever
// watches Clusters and Secrets calls it on every change, so that Done does not wait for the next For.
func (p *Pool) Refresh(ctx context.Context, cluster string) {
	p.mu.Lock()
	_, open := p.entries[cluster]
	p.mu.Unlock()
	if !open {
		return
	}
	if _, err := p.For(ctx, cluster); err != nil {
		klog.FromContext(ctx).V(2).Info("Member has no connection", "cluster", cluster, "reason", err.Error())
	}
}

func (p *Pool) entry(cluster string) *entry {
	p.mu.Lock()
	defer p.mu.Unlock()
	e, ok := p.entries[cluster]
	if !ok {
		e = &entry{}
		p.entries[cluster] = e
	}
	return e
}

func (p *Pool) drop(ctx context.Context, cluster string, reason UnavailableReason) {
	p.mu.Lock()
	e, ok := p.entries[cluster]
	p.mu.Unlock()
	if !ok {
		return
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.conn != nil {
		e.conn.close()
		e.conn = nil
		klog.FromContext(ctx).V(1).Info("Member connection closed", "cluster", cluster, "reason", reason)
	}
	if reason == NotJoined || reason == Removed {
		p.mu.Lock()
		if p.entries[cluster] == e {
			delete(p.entries, cluster)
		}
		p.mu.Unlock()
	}
}

// Close ends all connections; the pool may be used again afterwards.
func (p *Pool) Close() {
	p.mu.Lock()
	entries := p.entries
	p.entries = map[string]*entry{}
	p.mu.Unlock()
	for _, e := range entries {
		e.mu.Lock()
		if e.conn != nil {
			e.conn.close()
			e.conn = nil
		}
		e.mu.Unlock()
	}
}

// open lists the members that have a slot.
func (p *Pool) open() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	names := make([]string, 0, len(p.entries))
	for name := range p.entries {
		names = append(names, name)
	}
	return names
}
