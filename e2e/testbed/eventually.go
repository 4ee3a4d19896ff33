package testbed

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// pollInterval is how often Eventually looks. Conditions are cheap reads on
// loopback; a shorter interval takes CPU from the processes under test.
const pollInterval = 25 * time.Millisecond

// Eventually calls check until it returns nil. When timeout passes or ctx ends
// first, it returns an error that names what was awaited and why it did not
// hold at last.
func Eventually(ctx context.Context, timeout time.Duration, what string, check func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	began := time.Now()
	ticker := time.NewTicker(pollInterval)
	defer ticker.Stop()
	var last error
	for {
		err := check(ctx)
		if err == nil {
			return nil
		}
		// What failed because time is up says nothing about the condition.
		if last == nil || !errors.Is(err, context.DeadlineExceeded) {
			last = err
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("waited %s for %s: %w", time.Since(began).Round(time.Millisecond), what, last)
		case <-ticker.C:
		}
	}
}

// awaitServing is Eventually for a condition that processes must bring about:
// it gives up at once when one of them has ended, and its error carries the end
// of the log of the one to blame, by default the last.
func awaitServing(ctx context.Context, timeout time.Duration, what string, check func(context.Context) error, processes ...*Process) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	blamed := processes[len(processes)-1]
	err := Eventually(ctx, timeout, what, func(ctx context.Context) error {
		for _, p := range processes {
			if p.endedByItself() {
				blamed = p
				cancel()
				return fmt.Errorf("%s has ended", p.Name)
			}
		}
		return check(ctx)
	})
	if err != nil {
		return fmt.Errorf("%w; the end of %s:\n%s", err, blamed.Log, blamed.LogTail(12))
	}
	return nil
}
