// Package breaker lets something that costs too much rest: a script that runs out
// of its time, a webhook that does not answer. Its callers' workers would be held
// for seconds each, and with them all kinds. While it rests calls fail at once, with
// the failure that brought it there; then one call tries for all.
package breaker

import (
	"fmt"
	"sync"
	"time"

	"k8s.io/utils/clock"
)

// How long a breaker rests, and after how many costly failures in a row.
const (
	Patience = 3
	MinRest  = time.Second
	MaxRest  = time.Minute
)

// Breaker is for one thing that may fail. It may be used concurrently.
type Breaker struct {
	clock clock.PassiveClock

	mu       sync.Mutex
	failures int
	rest     time.Duration
	until    time.Time
	trying   bool
	last     error
}

// New returns a breaker that lets calls through.
func New(clk clock.PassiveClock) *Breaker { return &Breaker{clock: clk} }

// Do calls f unless its like rests. f returns whether it failed in the costly way: Patience of those
// in a row begin a rest, and each one after a rest a longer one. Other failures leave things as they
// are, a success ends them.
func (b *Breaker) Do(f func() (costly bool, err error)) error {
	trial, err := b.begin()
	if err != nil {
		return err
	}
	costly, err := f()
	b.end(trial, costly, err)
	return err
}

func (b *Breaker) begin() (trial bool, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.failures < Patience {
		return false, nil
	}
	if left := b.until.Sub(b.clock.Now()); left > 0 || b.trying {
		return false, fmt.Errorf("is not tried again for now, after %d failures in a row: %w", b.failures, b.last)
	}
	b.trying = true
	return true, nil
}

func (b *Breaker) end(trial, costly bool, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if trial {
		b.trying = false
	}
	switch {
	case err == nil:
		b.failures, b.rest, b.last = 0, 0, nil
	case costly:
		b.failures, b.last = b.failures+1, err
		if b.failures >= Patience && (trial || b.rest == 0) {
			b.rest = min(max(2*b.rest, MinRest), MaxRest)
			b.until = b.clock.Now().Add(b.rest)
		}
	}
}
