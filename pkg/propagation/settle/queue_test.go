package settle

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	testingclock "k8s.io/utils/clock/testing"
)

// run starts a queue on a fake clock whose handler reports every key it is given.
func run(t *testing.T, opts Options, handle Handler[string]) (*Queue[string], *testingclock.FakeClock, <-chan string) {
	t.Helper()
	clk := testingclock.NewFakeClock(time.Now())
	opts.Clock = clk
	q := New[string](opts)
	handled := make(chan string, 100)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		q.Run(ctx, 2, func(ctx context.Context, key string) (Outcome, error) {
			outcome, err := handle(ctx, key)
			handled <- key
			return outcome, err
		})
	}()
	t.Cleanup(func() { cancel(); <-done })
	return q, clk, handled
}

func wantNext(t *testing.T, handled <-chan string, key string) {
	t.Helper()
	select {
	case got := <-handled:
		if got != key {
			t.Fatalf("handled %q, want %q", got, key)
		}
	case <-time.After(10 * time.Second):
		t.Fatalf("%q was not handled", key)
	}
}

// wantNone makes sure that nothing of key happens before another key that is added now.
func wantNone(t *testing.T, q *Queue[string], handled <-chan string) {
	t.Helper()
	q.Add("marker")
	wantNext(t, handled, "marker")
}

func waitForTimer(t *testing.T, clk *testingclock.FakeClock, timers int) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); clk.Waiters() < timers; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%d timers, want %d", clk.Waiters(), timers)
		}
	}
}

func TestChangeMayRestLonger(t *testing.T) {
	const window, rest = 100 * time.Millisecond, 3 * time.Second
	for name, windowOf := range map[string]time.Duration{"longer than the window": window, "without a window": 0} {
		t.Run(name, func(t *testing.T) {
			q, clk, handled := run(t, Options{Window: windowOf}, func(_ context.Context, key string) (Outcome, error) {
				return Outcome{Changed: key == "a", Rest: rest}, nil
			})
			idle := clk.Waiters()
			q.Add("a")
			wantNext(t, handled, "a")
			q.Add("a")
			waitForTimer(t, clk, idle+1)
			clk.Step(rest - time.Millisecond)
			wantNone(t, q, handled)
			clk.Step(time.Millisecond)
			wantNext(t, handled, "a")
		})
	}
}

func TestBurstBecomesTwoHandlings(t *testing.T) {
	const window = 100 * time.Millisecond
	q, clk, handled := run(t, Options{Window: window}, func(_ context.Context, key string) (Outcome, error) {
		return Outcome{Changed: key == "a"}, nil
	})
	idle := clk.Waiters()
	q.Add("a")
	wantNext(t, handled, "a") // the first change at once
	for range 50 {
		q.Add("a")
	}
	waitForTimer(t, clk, idle+1)
	clk.Step(window - time.Millisecond)
	wantNone(t, q, handled)
	clk.Step(time.Millisecond)
	wantNext(t, handled, "a") // all others together, a window later
	clk.Step(10 * window)
	wantNone(t, q, handled)
	q.Add("a") // at once again, having rested
	wantNext(t, handled, "a")
}

func TestHandlingWithoutChangeStartsNoWindow(t *testing.T) {
	q, _, handled := run(t, Options{Window: time.Hour}, func(context.Context, string) (Outcome, error) { return Outcome{}, nil })
	for range 3 {
		q.Add("a")
		wantNext(t, handled, "a")
	}
}

func TestFailureBacksOffAndSuccessForgets(t *testing.T) {
	var fail atomic.Bool
	fail.Store(true)
	q, clk, handled := run(t, Options{Backoff: time.Second, MaxBackoff: 4 * time.Second}, func(context.Context, string) (Outcome, error) {
		if fail.Load() {
			return Outcome{}, errors.New("no")
		}
		return Outcome{}, nil
	})
	idle := clk.Waiters()
	q.Add("a")
	wantNext(t, handled, "a")
	for _, delay := range []time.Duration{1, 2, 4, 4} {
		waitForTimer(t, clk, idle+1)
		clk.Step(delay*time.Second - time.Millisecond)
		select {
		case <-handled:
			t.Fatalf("handled before its backoff of %d s", delay)
		default:
		}
		if delay == 4 {
			fail.Store(false)
		}
		clk.Step(time.Millisecond)
		wantNext(t, handled, "a")
		if delay == 4 {
			break
		}
	}
	for q.Failures("a") != 0 {
		time.Sleep(time.Millisecond)
	}
}

func TestPanicIsAnErrorOfItsKey(t *testing.T) {
	q := New[string](Options{})
	defer q.Shutdown()
	_, err := q.call(t.Context(), "a", func(context.Context, string) (Outcome, error) { panic("boom") })
	if err == nil {
		t.Fatal("no error for a handler that panicked")
	}
}

func TestAfterComesBack(t *testing.T) {
	var calls atomic.Int32
	q, clk, handled := run(t, Options{}, func(context.Context, string) (Outcome, error) {
		if calls.Add(1) == 1 {
			return Outcome{After: time.Minute}, nil
		}
		return Outcome{}, nil
	})
	idle := clk.Waiters()
	q.Add("a")
	wantNext(t, handled, "a")
	waitForTimer(t, clk, idle+1)
	clk.Step(time.Minute)
	wantNext(t, handled, "a")
}
