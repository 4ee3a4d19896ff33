//go:build bench

package performance

import (
	"crypto/sha256"
	"math/rand/v2"
	"runtime"
	"slices"
	"sync"

	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// A ruler is a fixed piece of work, about a millisecond of a processor: hashing, and
// following pointers through more memory than the nearer caches hold. What else is
// measured at the same time, in units of it, says little about the machine and about
// what else runs on it.
type ruler struct {
	next  []uint32
	block []byte
}

func newRuler() *ruler {
	r := &ruler{next: make([]uint32, 1<<20), block: make([]byte, 1<<16)}
	order := rand.New(rand.NewPCG(1, 2)).Perm(len(r.next))
	for i, at := range order {
		r.next[at] = uint32(order[(i+1)%len(order)])
	}
	return r
}

func (r *ruler) unit() uint32 {
	for range 8 {
		sum := sha256.Sum256(r.block)
		copy(r.block, sum[:])
	}
	at := uint32(r.block[0])
	for range 10_000 {
		at = r.next[at]
	}
	return at
}

// sample measures the unit by the time that this thread has the processor, until stop
// is called, which returns the median.
func (r *ruler) sample() (stop func() time.Duration) {
	const every = 100 * time.Millisecond
	done := make(chan struct{})
	var (
		group   sync.WaitGroup
		samples []time.Duration
	)
	group.Go(func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		for {
			before := threadTime()
			r.unit()
			samples = append(samples, threadTime()-before)
			select {
			case <-done:
				return
			case <-time.After(every):
			}
		}
	})
	return func() time.Duration {
		close(done)
		group.Wait()
		slices.Sort(samples)
		return samples[len(samples)/2]
	}
}

func threadTime() time.Duration {
	var usage unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_THREAD, &usage); err != nil {
		panic(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

// BenchmarkRuler measures the unit, for what other packages' benchmarks measure beside it.
func BenchmarkRuler(b *testing.B) {
	r := newRuler()
	for b.Loop() {
		r.unit()
	}
}
