package views

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"k8s.io/klog/v2"

	"atoll.dev/atoll/pkg/membership/capacity"
	"atoll.dev/atoll/pkg/membership/connection"
)

// redial is how long to wait for a member whose connection cannot be made: its Secret may come just after its Cluster.
const redial = time.Second

// member follows one member. All but readiness and wake belongs to its goroutine.
type member struct {
	name    string
	pool    *connection.Pool
	ledgers *Ledgers
	opts    Options
	publish func(*capacity.View)
	wake    chan struct{} // holds one pending wake-up

	mu        sync.Mutex
	readiness readiness

	// moved is set when the ledger moved since its view was last taken. It keeps a member with busy
	// pods from waking its follower at each of them.
	moved atomic.Bool

	held *holding
	// told is the view that was published last, tellNext the earliest moment for the next one.
	told     *capacity.View
	tellNext time.Time
}

// holding is a ledger that is held, over one connection.
type holding struct {
	conn   *connection.Connection
	ledger *capacity.Ledger
	end    func()
}

func (m *member) setReadiness(r readiness) {
	m.mu.Lock()
	m.readiness = r
	m.mu.Unlock()
	m.wakeUp()
}

// wakeUp makes the member look at what is due; it may be called from anywhere and never blocks.
func (m *member) wakeUp() {
	select {
	case m.wake <- struct{}{}:
	default:
	}
}

// run follows the member until ctx is done, and then takes its view back.
func (m *member) run(ctx context.Context) {
	defer func() {
		m.letGo()
		m.tell(nil)
	}()
	for {
		timer, fires := (<-chan time.Time)(nil), func() {}
		if due := m.step(ctx); !due.IsZero() {
			t := m.opts.Clock.NewTimer(due.Sub(m.opts.Clock.Now()))
			timer, fires = t.C(), func() { t.Stop() }
		}
		var replaced <-chan struct{}
		if m.held != nil {
			replaced = m.held.conn.Done
		}
		select {
		case <-ctx.Done():
			fires()
			return
		case <-m.wake:
		case <-replaced:
		case <-timer:
		}
		fires()
	}
}

// step does what is due and returns when to come back without being woken; never, if that is zero:
//
//  1. a member that has been lost for too long is let go, its view is taken back
//  2. a connection that ended is let go; its last view stays until the next connection has one
//  3. a Ready member is held
//  4. the ledger's view is told, if it is another one and not too soon
func (m *member) step(ctx context.Context) (due time.Time) {
	now := m.opts.Clock.Now()
	m.mu.Lock()
	is := m.readiness
	m.mu.Unlock()
	if !is.ready {
		if lost := is.since.Add(m.opts.Keep); !now.Before(lost) {
			m.letGo()
			m.tell(nil)
			return time.Time{}
		}
		due = is.since.Add(m.opts.Keep)
	}
	if m.held != nil {
		select {
		case <-m.held.conn.Done:
			m.letGo()
		default:
		}
	}
	if m.held == nil {
		if !is.ready { // a dead member is left in peace
			return due
		}
		conn, err := m.pool.For(ctx, m.name)
		if err != nil {
			klog.FromContext(ctx).V(4).Info("Member cannot be followed", "cluster", m.name, "reason", err.Error())
			return now.Add(redial)
		}
		m.hold(ctx, conn)
	}
	if now.Before(m.tellNext) {
		return earlier(due, m.tellNext)
	}
	m.moved.Store(false) // before taking the view: what moves from here on wakes us again
	if v := m.held.ledger.View(); v != nil && v != m.told {
		m.tell(v)
		m.tellNext = now.Add(m.opts.Pace)
	}
	return due
}

func (m *member) hold(ctx context.Context, conn *connection.Connection) {
	ledger, release := m.ledgers.Hold(ctx, conn)
	quiet := ledger.OnView(func() {
		if !m.moved.Swap(true) {
			m.wakeUp()
		}
	})
	m.held = &holding{conn: conn, ledger: ledger, end: func() {
		quiet()
		release()
	}}
}

func (m *member) letGo() {
	if m.held != nil {
		m.held.end()
		m.held = nil
	}
}

func (m *member) tell(v *capacity.View) {
	if v != m.told {
		m.told = v
		m.publish(v)
	}
}

// earlier returns the earlier of two moments; a zero one is never.
func earlier(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}
