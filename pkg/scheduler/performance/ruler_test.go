//go:build bench

package performance

import (
	"encoding/json"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	workv1alpha2 "github.com/karmada-io/karmada/pkg/apis/work/v1alpha2"

	. "atoll.dev/atoll/pkg/scheduler/internal/fixture"
)

// A ruler is a fixed piece of work, some hundred microseconds of a processor: it turns
// a binding into JSON and back, which is what most of a control plane's time goes into.
// What else is measured at the same time, in units of it, says little about the machine
// and about what else runs on it.
type ruler struct{ binding *workv1alpha2.ResourceBinding }

func newRuler() ruler {
	targets := make([]workv1alpha2.TargetCluster, 10)
	for i := range targets {
		targets[i] = On(fmt.Sprintf("member-%03d", i), int32(i))
	}
	return ruler{ResourceBinding("web", Deployment(20, placements()[3], targets...))}
}

func (r ruler) unit() {
	for range 10 {
		raw, err := json.Marshal(r.binding)
		if err == nil {
			err = json.Unmarshal(raw, &workv1alpha2.ResourceBinding{})
		}
		if err != nil {
			panic(err)
		}
	}
}

// sample measures the unit by the time that this thread has the processor, until stop
// is called, which returns the median.
func (r ruler) sample() (stop func() time.Duration) {
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

func threadTime() time.Duration { return processorClock(unix.CLOCK_THREAD_CPUTIME_ID) }

// processorTime is what this process has used of all processors so far.
func processorTime() time.Duration { return processorClock(unix.CLOCK_PROCESS_CPUTIME_ID) }

func processorClock(id int32) time.Duration {
	var now unix.Timespec
	if err := unix.ClockGettime(id, &now); err != nil {
		panic(err)
	}
	return time.Duration(now.Nano())
}

// BenchmarkRuler measures the unit, for what other packages' benchmarks measure beside it.
func BenchmarkRuler(b *testing.B) {
	r := newRuler()
	for b.Loop() {
		r.unit()
	}
}
