package testbed

import (
	"context"
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
		if ctx.Err() == nil || last == nil {
			last = err
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("waited %s for %s: %w", time.Since(began).Round(time.Millisecond), what, last)
		case <-ticker.C:
		}
	}
}
