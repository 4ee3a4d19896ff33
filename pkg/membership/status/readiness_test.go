package status

import (
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func TestReadinessIsSmoothed(t *testing.T) {
	type step struct {
		at      time.Duration
		finds   health
		reports string
	}
	for name, c := range map[string]struct {
		before string // Ready as reported before the controller started: "", ClusterReady or ClusterNotReachable
		steps  []step
	}{
		"a new member is Ready at its first success": {"", []step{{0, healthy, ReasonReady}}},
		"a new dead member is not Ready at once":     {"", []step{{0, unreachable, ReasonNotReachable}}},
		"one failed probe is forgiven": {"", []step{
			{0, healthy, ReasonReady}, {10 * time.Second, unreachable, ReasonReady}, {20 * time.Second, healthy, ReasonReady},
			{30 * time.Second, unreachable, ReasonReady}, {59 * time.Second, unreachable, ReasonReady}}},
		"failing for the threshold loses it": {"", []step{
			{0, healthy, ReasonReady}, {10 * time.Second, unreachable, ReasonReady}, {39 * time.Second, unreachable, ReasonReady},
			{40 * time.Second, unreachable, ReasonNotReachable}}},
		"what fails may change, the clock goes on": {"", []step{
			{0, healthy, ReasonReady}, {10 * time.Second, unreachable, ReasonReady}, {40 * time.Second, unhealthy, ReasonNotReady},
			{41 * time.Second, unreachable, ReasonNotReachable}}},
		"a lost member must pass for the threshold": {"", []step{
			{0, unreachable, ReasonNotReachable}, {10 * time.Second, healthy, ReasonNotReachable}, {39 * time.Second, healthy, ReasonNotReachable},
			{40 * time.Second, healthy, ReasonReady}}},
		"one failure starts the wait anew": {"", []step{
			{0, unreachable, ReasonNotReachable}, {10 * time.Second, healthy, ReasonNotReachable}, {30 * time.Second, unreachable, ReasonNotReachable},
			{31 * time.Second, healthy, ReasonNotReachable}, {50 * time.Second, healthy, ReasonNotReachable}, {61 * time.Second, healthy, ReasonReady}}},
		"a restart does not lose a Ready member at its first failure": {ReasonReady, []step{
			{0, unreachable, ReasonReady}, {29 * time.Second, unreachable, ReasonReady}, {30 * time.Second, unreachable, ReasonNotReachable}}},
		"a restart trusts a first success":     {ReasonNotReachable, []step{{0, healthy, ReasonReady}}},
		"a refused credential is told as such": {"", []step{{0, denied, ReasonNotReady}}},
	} {
		t.Run(name, func(t *testing.T) {
			r := readiness{failureThreshold: 30 * time.Second, successThreshold: 30 * time.Second}
			var reported *metav1.Condition
			switch c.before {
			case ReasonReady:
				cond := healthy.condition("m")
				reported = &cond
			case ReasonNotReachable:
				cond := unreachable.condition("m")
				reported = &cond
			}
			start := time.Unix(1_000_000, 0)
			for _, s := range c.steps {
				got, held := r.adjust(reported, s.finds.condition("m"), start.Add(s.at))
				if got.Reason != s.reports {
					t.Fatalf("at %s a probe finds %d: reported %s, want %s", s.at, s.finds, got.Reason, s.reports)
				}
				if held != (got.Reason != s.finds.condition("m").Reason) {
					t.Errorf("at %s: held is %v", s.at, held)
				}
				reported = &got
			}
		})
	}
}

// The reasons and messages are part of Karmada's interface: its clients and tests match on them.
func TestConditionsAreKarmadas(t *testing.T) {
	for h, want := range map[health][3]string{
		healthy:     {"True", "ClusterReady", "cluster is healthy and ready to accept workloads"},
		unhealthy:   {"False", "ClusterNotReady", "cluster is reachable but health endpoint responded without ok"},
		unreachable: {"False", "ClusterNotReachable", "cluster is not reachable"},
	} {
		c := h.condition("m")
		if got := [3]string{string(c.Status), c.Reason, c.Message}; got != want || c.Type != "Ready" {
			t.Errorf("got %v, want %v", got, want)
		}
	}
}
