package breaker

import (
	"errors"
	"testing"
	"time"

	clocktesting "k8s.io/utils/clock/testing"
)

func TestBreaker(t *testing.T) {
	clk := clocktesting.NewFakeClock(time.Unix(0, 0))
	b := New(clk)
	failure := errors.New("slow")
	calls := 0
	do := func(costly bool, err error) error {
		return b.Do(func() (bool, error) { calls++; return costly, err })
	}
	expect := func(what string, want int) {
		t.Helper()
		if calls != want {
			t.Fatalf("%s: %d calls, want %d", what, calls, want)
		}
	}
	for range 10 {
		_ = do(false, failure)
	}
	expect("cheap failures do not matter", 10)
	_ = do(true, failure)
	_ = do(true, failure)
	_ = do(false, nil)
	_ = do(true, failure)
	_ = do(true, failure)
	expect("a success in between counts", 15)
	_ = do(true, failure)
	if err := do(true, failure); !errors.Is(err, failure) {
		t.Errorf("resting it fails with %v, want the failure that brought it there", err)
	}
	expect("it rests", 16)
	clk.Step(MinRest)
	_ = b.Do(func() (bool, error) {
		_ = do(true, failure)
		expect("one call tries for all", 16)
		return true, failure
	})
	clk.Step(MinRest)
	_ = do(true, failure)
	expect("the rest grows", 16)
	clk.Step(MinRest)
	if err := do(false, nil); err != nil {
		t.Errorf("a success fails with %v", err)
	}
	expect("it works again", 17)
	_ = do(true, failure)
	_ = do(true, failure)
	expect("and counts from the start", 19)
}
