package certificates

import (
	"context"
	"time"

	"k8s.io/klog/v2"
)

const (
	// lookEvery bounds the sleep between two passes: timers stand still while a
	// machine is suspended, and an authority's files may be replaced at any time.
	lookEvery = time.Minute
	// firstRetry is the pause after a failed pass; it doubles up to lookEvery.
	firstRetry = time.Second
	// AuthorityWarning is how long before its end an authority is complained about.
	AuthorityWarning = 365 * 24 * time.Hour
	// remindEvery is the pause between two complaints about the same.
	remindEvery = 24 * time.Hour
)

// Run renews the leaves as they become due until ctx ends. A pass that fails is
// logged and tried again: a third of a leaf's life is left for that. Run it once.
func (p *PKI) Run(ctx context.Context) {
	logger := klog.FromContext(ctx)
	var reminded time.Time
	retry := firstRetry
	pause := p.untilDue()
	for {
		if now := p.opts.Clock.Now(); reminded.IsZero() || now.Sub(reminded) >= remindEvery {
			reminded = now
			for _, e := range p.EndingAuthorities() {
				logger.Info("An authority's certificate ends soon: put a new one for the same key into its file, followed by the old one",
					"file", e.File, "notAfter", e.NotAfter)
			}
		}
		timer := p.opts.Clock.NewTimer(pause)
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case <-timer.C():
		}
		if err := p.Reconcile(ctx); err != nil {
			logger.Error(err, "Cannot renew certificates")
			pause = retry
			retry = min(2*retry, lookEvery)
			continue
		}
		retry = firstRetry
		pause = p.untilDue()
	}
}

// untilDue is the time until the next pass is of use.
func (p *PKI) untilDue() time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := p.opts.Clock.Now()
	pause := lookEvery
	for _, e := range p.expiries {
		if !e.Authority {
			// The floor matters when an authority ends and its leaves with it.
			pause = min(pause, max(firstRetry, e.due.Sub(now)))
		}
	}
	return pause
}

// EndingAuthorities lists the authorities that end within AuthorityWarning.
func (p *PKI) EndingAuthorities() []Expiry {
	now := p.opts.Clock.Now()
	var out []Expiry
	for _, e := range p.Expiries() {
		if e.Authority && e.NotAfter.Sub(now) < AuthorityWarning {
			out = append(out, e)
		}
	}
	return out
}
