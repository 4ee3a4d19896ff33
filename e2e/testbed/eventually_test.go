package testbed_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"atoll.dev/atoll/e2e/testbed"
)

func TestEventually(t *testing.T) {
	reason := errors.New("not yet")
	for _, test := range []struct {
		name  string
		holds int // the call on which the condition holds; 0 for never
		want  error
	}{
		{"holds at once", 1, nil},
		{"holds later", 3, nil},
		{"never holds", 0, reason},
	} {
		t.Run(test.name, func(t *testing.T) {
			calls := 0
			err := testbed.Eventually(t.Context(), 200*time.Millisecond, "the thing", func(context.Context) error {
				if calls++; calls == test.holds {
					return nil
				}
				return reason
			})
			if !errors.Is(err, test.want) || (err == nil) != (test.want == nil) {
				t.Fatalf("error %v, want %v", err, test.want)
			}
			if err != nil && !strings.Contains(err.Error(), "the thing") {
				t.Errorf("error %q does not name what was awaited", err)
			}
			if test.holds > 0 && calls != test.holds {
				t.Errorf("%d calls, want %d", calls, test.holds)
			}
		})
	}
}
