package membership

import (
	"context"
	"fmt"
	"time"

	"k8s.io/utils/clock"
	"sigs.k8s.io/controller-runtime/pkg/manager"

	"atoll.dev/atoll/pkg/membership/connection"
	"atoll.dev/atoll/pkg/membership/status"
	"atoll.dev/atoll/pkg/membership/views"
)

// Options are the knobs of the membership controllers; the zero value gives the defaults.
type Options struct {
	// ProbeInterval is how often a member's health is probed. Default 10s.
	ProbeInterval time.Duration
	// FailureThreshold is how long a Ready member must fail its probes before it is not Ready. Default 30s.
	FailureThreshold time.Duration
	// SuccessThreshold is how long a member that is not Ready must pass its probes before it is Ready again.
	// A new member is Ready at its first success. Default 30s.
	SuccessThreshold time.Duration
	// Ledgers are where members are summed up; roles that share them, and the pool, share their watches.
	// Default: own ones.
	Ledgers *views.Ledgers
	// Clock defaults to the real one.
	Clock clock.WithTicker
}

// Setup adds the membership controllers to a manager.
func Setup(ctx context.Context, mgr manager.Manager, pool *connection.Pool, opts Options) error {
	if opts.Clock == nil {
		opts.Clock = clock.RealClock{}
	}
	if err := setupClusterController(mgr, pool, opts.Clock); err != nil {
		return fmt.Errorf("setting up the cluster controller: %w", err)
	}
	if err := status.Setup(mgr, pool, status.Options{
		ProbeInterval:    opts.ProbeInterval,
		FailureThreshold: opts.FailureThreshold,
		SuccessThreshold: opts.SuccessThreshold,
		Ledgers:          opts.Ledgers,
		Clock:            opts.Clock,
	}); err != nil {
		return fmt.Errorf("setting up the cluster status controller: %w", err)
	}
	return nil
}
