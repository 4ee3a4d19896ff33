package cycle_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	clusterv1alpha1 "github.com/karmada-io/karmada/pkg/apis/cluster/v1alpha1"
	workv1alpha2 "github.com/karmada-io/karmada/pkg/apis/work/v1alpha2"

	"atoll.dev/atoll/pkg/scheduler/cycle"
	"atoll.dev/atoll/pkg/scheduler/estimator"
	"atoll.dev/atoll/pkg/scheduler/framework"
	"atoll.dev/atoll/pkg/scheduler/plugins"
	"atoll.dev/atoll/pkg/scheduler/snapshot"
)

func newCycle() *cycle.Cycle {
	return cycle.New(cycle.Options{Plugins: plugins.Default(), Estimators: []estimator.Estimator{estimator.Summary{}}})
}

// write shows an outcome as "a:1 b:2", or "error: …".
func write(result cycle.Result, err error) string {
	if err != nil {
		return "error: " + err.Error()
	}
	var parts []string
	for _, c := range result.Clusters {
		parts = append(parts, fmt.Sprintf("%s:%d", c.Name, c.Replicas))
	}
	return strings.Join(parts, " ")
}

// testdata/karmada.json holds random clusters and bindings with what Karmada
// v1.18.1's generic scheduler answered: "a:1 b:2" sorted by name, or its error.
// Our errors may say more after the same words.
func TestDecisionsAreKarmadas(t *testing.T) {
	file, err := os.ReadFile("testdata/karmada.json")
	if err != nil {
		t.Fatal(err)
	}
	var cases []struct {
		Clusters []*clusterv1alpha1.Cluster
		Spec     *workv1alpha2.ResourceBindingSpec
		Status   workv1alpha2.ResourceBindingStatus
		Want     string
	}
	if err := json.Unmarshal(file, &cases); err != nil {
		t.Fatal(err)
	}
	if len(cases) < 50 {
		t.Fatalf("only %d cases", len(cases))
	}
	for i, c := range cases {
		fresh := c.Spec.RescheduleTriggeredAt != nil && c.Status.LastScheduledTime != nil
		got := write(newCycle().Place(t.Context(), framework.Question{Spec: c.Spec, Group: c.Status.SchedulerObservedAffinityName, Fresh: fresh}, snapshot.New(c.Clusters...)))
		if got != c.Want && !(strings.HasPrefix(c.Want, "error: ") && strings.HasPrefix(got, c.Want)) {
			t.Errorf("case %d = %q, want %q", i, got, c.Want)
		}
	}
}

func isFit(err error) bool {
	var e *cycle.FitError
	return errors.As(err, &e)
}

func isShortage(err error) bool {
	var e *cycle.ShortageError
	return errors.As(err, &e)
}

func isSelection(err error) bool {
	var e *cycle.SelectionError
	return errors.As(err, &e)
}

func isUnsupported(err error) bool {
	var e *cycle.UnsupportedError
	return errors.As(err, &e)
}
