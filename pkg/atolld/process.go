package atolld

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"time"
)

// stopTimeout bounds the stop of one part. A part whose neighbour has died under it may
// wait for that for ever; everything acknowledged is on disk by then.
const stopTimeout = 10 * time.Second

// process is a set of running parts in the order in which they were started.
// When one of them ends, or ctx does, they are stopped in the opposite order: who
// writes before what is written to.
type process struct {
	stopTimeout time.Duration
	// tell is given the end of a part that nobody asked for, before the rest is stopped.
	tell func(error)

	parts []*part
	ended chan struct{} // gets a token from every part that ends
}

type part struct {
	name string
	stop context.CancelFunc
	done chan struct{}
	err  error // after done
}

func newProcess() *process {
	return &process{
		stopTimeout: stopTimeout,
		tell:        func(err error) { fmt.Fprintf(os.Stderr, "atolld: %v; stopping\n", err) },
		ended:       make(chan struct{}, 32),
	}
}

// start runs a part until it returns or its context ends.
func (p *process) start(ctx context.Context, name string, run func(context.Context) error) {
	// Not ctx's cancellation: parts are stopped one after the other, by stopAll.
	partCtx, stop := context.WithCancel(context.WithoutCancel(ctx))
	one := &part{name: name, stop: stop, done: make(chan struct{})}
	p.parts = append(p.parts, one)
	go func() {
		one.err = run(partCtx)
		close(one.done)
		p.ended <- struct{}{}
	}()
}

// wait returns when ctx ends or a part ended by itself, with everything stopped.
// A part that ended by itself is an error, unless ctx ended first.
func (p *process) wait(ctx context.Context) error {
	select {
	case <-ctx.Done():
	case <-p.ended:
	}
	asked := ctx.Err() != nil
	var failed error
	for _, one := range p.parts {
		select {
		case <-one.done:
			if !asked && failed == nil {
				failed = fmt.Errorf("%s ended: %w", one.name, orUnexpected(one.err))
				p.tell(failed)
			}
		default:
		}
	}
	return errors.Join(failed, p.stopAll())
}

// until waits for what to come true. It fails if a part ends first, ctx does, or timeout passes.
func (p *process) until(ctx context.Context, timeout time.Duration, what string, isTrue func(context.Context) error) error {
	deadline := time.NewTimer(timeout)
	defer deadline.Stop()
	poll := time.NewTicker(readyPoll)
	defer poll.Stop()
	for {
		err := isTrue(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-poll.C:
		case <-ctx.Done():
			return ctx.Err()
		case <-deadline.C:
			return fmt.Errorf("gave up waiting until %s after %s: %w", what, timeout, err)
		case <-p.ended:
			for _, one := range p.parts {
				select {
				case <-one.done:
					return fmt.Errorf("%s ended: %w", one.name, orUnexpected(one.err))
				default:
				}
			}
		}
	}
}

// stopAll stops what still runs, the last started first, and returns the errors of
// those that it stopped.
func (p *process) stopAll() error {
	var errs []error
	for _, one := range slices.Backward(p.parts) {
		select {
		case <-one.done:
			continue
		default:
		}
		one.stop()
		select {
		case <-one.done:
		case <-time.After(p.stopTimeout):
			errs = append(errs, fmt.Errorf("%s did not stop within %s", one.name, p.stopTimeout))
			continue
		}
		if one.err != nil && !errors.Is(one.err, context.Canceled) {
			errs = append(errs, fmt.Errorf("stopping %s: %w", one.name, one.err))
		}
	}
	return errors.Join(errs...)
}

var errUnexpected = errors.New("nobody asked it to")

func orUnexpected(err error) error {
	if err == nil {
		return errUnexpected
	}
	return err
}
