package views

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/clock"
	testclock "k8s.io/utils/clock/testing"

	"atoll.dev/atoll/pkg/membership/capacity"
)

func TestHoldersShareWatches(t *testing.T) {
	m := newFakeMember(t)
	p := newPlane(t, m)
	conn, err := p.pool.For(t.Context(), "m")
	must(t, err)
	l := NewLedgers(nil)
	one, releaseOne := l.Hold(t.Context(), conn)
	two, releaseTwo := l.Hold(t.Context(), conn)
	if one != two {
		t.Error("two holders of one connection have different ledgers")
	}
	eventually(t, func() error {
		if one.View() == nil {
			return errors.New("there is no view")
		}
		return m.watched(1)
	})
	releaseOne()
	releaseOne() // counts once
	if err := m.watched(1); err != nil {
		t.Errorf("after one of two let go, %v", err)
	}
	releaseTwo()
	eventually(t, func() error { return m.watched(0) })

	three, releaseThree := l.Hold(t.Context(), conn)
	defer releaseThree()
	if three == one {
		t.Error("a ledger that nobody kept up to date is given away again")
	}
}

// A member whose role lets us see no quotas and volumes has a view without, and is not pestered.
func TestWhatIsForbiddenIsUnknown(t *testing.T) {
	m := newFakeMember(t)
	m.forbidden["resourcequotas"], m.forbidden["persistentvolumes"] = true, true
	p := newPlane(t, m)
	conn, err := p.pool.For(t.Context(), "m")
	must(t, err)
	clk := testclock.NewFakeClock(time.Unix(1_700_000_000, 0))
	l, release := NewLedgers(clk).Hold(t.Context(), conn)
	defer release()
	eventually(t, func() error {
		if v := l.View(); v == nil || v.Quotas != nil || v.LocalClaims != nil {
			return fmt.Errorf("view %+v, want one with unknown quotas and claims", v)
		}
		return nil
	})
	m.set(func() {
		if n := m.lists["resourcequotas"]; n != 1 {
			t.Errorf("without time passing quotas were asked for %d times, want once", n)
		}
		m.forbidden = nil
	})
	eventually(t, func() error {
		clk.Step(time.Second)
		if v := l.View(); v.Quotas == nil || v.LocalClaims == nil {
			return fmt.Errorf("view %+v, want one with quotas and claims", v)
		}
		return nil
	})
}

// followed is a member whose views are recorded.
type followed struct {
	*member

	mu    sync.Mutex
	views []*capacity.View
}

func newFollowed(p *plane, clk clock.WithTicker) *followed {
	opts := Options{Clock: clk}
	opts.setDefaults()
	f := &followed{}
	f.member = &member{name: "m", pool: p.pool, ledgers: NewLedgers(nil), opts: opts, wake: make(chan struct{}, 1), publish: func(v *capacity.View) {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.views = append(f.views, v)
	}}
	return f
}

// start runs the follower until stop is called or the test ends.
func (f *followed) start(t *testing.T) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		f.run(ctx)
	}()
	stop = sync.OnceFunc(func() {
		cancel()
		<-ended
	})
	t.Cleanup(stop)
	return stop
}

// told returns how many views were told, and the last.
func (f *followed) told() (int, *capacity.View) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.views) == 0 {
		return 0, nil
	}
	return len(f.views), f.views[len(f.views)-1]
}

func (f *followed) has(nodes int) func() error {
	return func() error {
		if _, v := f.told(); v == nil || len(v.Nodes) != nodes {
			return fmt.Errorf("view %+v, want %d nodes", v, nodes)
		}
		return nil
	}
}

func named(names ...string) (nodes []corev1.Node) {
	for _, name := range names {
		nodes = append(nodes, corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: name}})
	}
	return nodes
}

func TestALostMemberKeepsItsViewForAWhile(t *testing.T) {
	m := newFakeMember(t)
	m.nodes = named("a")
	clk := testclock.NewFakeClock(time.Unix(1_700_000_000, 0))
	f := newFollowed(newPlane(t, m), clk)
	defer f.letGo()
	stepUntil := func(check func() error) {
		t.Helper()
		eventually(t, func() error {
			f.step(t.Context())
			return check()
		})
	}
	f.setReadiness(readiness{ready: true, since: clk.Now()})
	stepUntil(f.has(1))

	f.setReadiness(readiness{ready: false, since: clk.Now()})
	clk.Step(5*time.Minute - time.Second)
	if due := f.step(t.Context()); due.Sub(clk.Now()) != time.Second {
		t.Errorf("a member lost for 5m less a second is next looked at in %s, want 1s", due.Sub(clk.Now()))
	}
	if n, v := f.told(); n != 1 || v == nil {
		t.Errorf("before its time a lost member has view %v, the %dth", v, n)
	}
	clk.Step(time.Second)
	f.step(t.Context())
	if _, v := f.told(); v != nil {
		t.Error("a member lost for 5m still has a view")
	}
	eventually(t, func() error { return m.watched(0) })

	m.set(func() { m.nodes = named("a", "b") })
	f.setReadiness(readiness{ready: true, since: clk.Now()})
	stepUntil(f.has(2))
}

func TestAMemberThatWasNeverReadyIsLeftInPeace(t *testing.T) {
	m := newFakeMember(t)
	clk := testclock.NewFakeClock(time.Unix(1_700_000_000, 0))
	f := newFollowed(newPlane(t, m), clk)
	for _, r := range []readiness{{}, {since: clk.Now()}, {since: clk.Now().Add(-time.Hour)}} {
		f.setReadiness(r)
		f.step(t.Context())
		if f.held != nil {
			t.Errorf("with %+v it is watched", r)
		}
	}
}

// While one connection takes the place of another the last view stays.
func TestAReplacedConnection(t *testing.T) {
	m := newFakeMember(t)
	m.nodes = named("a")
	p := newPlane(t, m)
	f := newFollowed(p, clock.RealClock{})
	stop := f.start(t)
	f.setReadiness(readiness{ready: true})
	eventually(t, f.has(1))
	m.set(func() { m.nodes = named("a", "b") })
	p.renew(t)
	eventually(t, f.has(2))
	eventually(t, func() error { return m.watched(1) })
	f.mu.Lock()
	for _, v := range f.views {
		if v == nil {
			t.Error("its view was taken back meanwhile")
		}
	}
	f.mu.Unlock()
	stop()
	if _, v := f.told(); v != nil {
		t.Error("a member that is not followed any more has a view")
	}
}

// However much happens in a member, its views come at their pace, the first at once and the last for certain.
func TestPace(t *testing.T) {
	m := newFakeMember(t)
	clk := testclock.NewFakeClock(time.Unix(1_700_000_000, 0))
	p := newPlane(t, m)
	f := newFollowed(p, clk)
	f.start(t)
	f.setReadiness(readiness{ready: true})
	eventually(t, f.has(0))
	conn, err := p.pool.For(t.Context(), "m")
	must(t, err)
	ledger, release := f.ledgers.Hold(t.Context(), conn)
	defer release()
	for i := range 100 {
		m.added <- named(fmt.Sprint(i))[0]
	}
	eventually(t, func() error {
		if n, _ := ledger.Summary(); n.TotalNum != 100 {
			return fmt.Errorf("%d nodes are known", n.TotalNum)
		}
		return nil
	})
	if n, _ := f.told(); n != 1 {
		t.Errorf("within no time %d views were told, want the first only", n)
	}
	eventually(t, func() error {
		clk.Step(50 * time.Millisecond)
		return f.has(100)()
	})
	if n, _ := f.told(); n != 2 {
		t.Errorf("%d views were told, want one at first and one of all that happened after", n)
	}
}
