package main

import (
	"encoding/json"
	"testing"

	policyv1alpha1 "github.com/karmada-io/karmada/pkg/apis/policy/v1alpha1"
	workv1alpha2 "github.com/karmada-io/karmada/pkg/apis/work/v1alpha2"

	clusterv1alpha1 "github.com/karmada-io/karmada/pkg/apis/cluster/v1alpha1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"atoll.dev/atoll/pkg/scheduler/framework"
	"atoll.dev/atoll/pkg/scheduler/snapshot"
)

func cluster(name string, labels map[string]string) *clusterv1alpha1.Cluster {
	return &clusterv1alpha1.Cluster{ObjectMeta: metav1.ObjectMeta{Name: name, Labels: labels}}
}

// request asks to place a workload that is in cluster "here" already.
func request(clusters ...*clusterv1alpha1.Cluster) *framework.Request {
	return framework.NewRequest(framework.Question{Spec: &workv1alpha2.ResourceBindingSpec{
		Placement: &policyv1alpha1.Placement{},
		Clusters:  []workv1alpha2.TargetCluster{{Name: "here", Replicas: 1}},
	}}, nil, snapshot.New(clusters...))
}

func TestMaintenance(t *testing.T) {
	for name, c := range map[string]struct {
		args    string
		cluster *clusterv1alpha1.Cluster
		want    string // the reason, "" if it passes
	}{
		"no label":           {"", cluster("a", nil), ""},
		"in maintenance":     {"", cluster("a", map[string]string{"maintenance": "true"}), "cluster(s) were in maintenance (maintenance=true)"},
		"maintenance ended":  {"", cluster("a", map[string]string{"maintenance": "false"}), ""},
		"holds the workload": {"", cluster("here", map[string]string{"maintenance": "true"}), ""},
		"another label":      {`{"label":"m"}`, cluster("a", map[string]string{"maintenance": "true"}), ""},
		"another value":      {`{"value":"now"}`, cluster("a", map[string]string{"maintenance": "now"}), "cluster(s) were in maintenance (maintenance=now)"},
	} {
		t.Run(name, func(t *testing.T) {
			plugin, err := newMaintenance(t.Context(), json.RawMessage(c.args), nil)
			if err != nil {
				t.Fatal(err)
			}
			r := request(c.cluster)
			refusal := plugin.(framework.FilterPlugin).Filter(t.Context(), r)(r.Snapshot.Get(c.cluster.Name))
			got := ""
			if refusal != nil {
				got = refusal.Reason
			}
			if got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

func TestCost(t *testing.T) {
	for name, c := range map[string]struct {
		args, cost string
		want       int64
	}{
		"free":           {"", "0", 100},
		"half":           {"", "50", 50},
		"highest":        {"", "100", 0},
		"beyond":         {"", "101", 0},
		"negative":       {"", "-1", 0},
		"not a number":   {"", "cheap", 0},
		"no label":       {"", "", 0},
		"other highest":  {`{"highest":10}`, "5", 50},
		"label of other": {`{"label":"price"}`, "5", 0},
	} {
		t.Run(name, func(t *testing.T) {
			plugin, err := newCost(t.Context(), json.RawMessage(c.args), nil)
			if err != nil {
				t.Fatal(err)
			}
			r := request(cluster("a", map[string]string{"cost": c.cost}))
			if got := plugin.(framework.ScorePlugin).Score(t.Context(), r)(r.Snapshot.Get("a")); got != c.want {
				t.Errorf("got %d, want %d", got, c.want)
			}
		})
	}
}

func TestBadArgs(t *testing.T) {
	for name, c := range map[string]struct {
		factory    framework.Factory
		args, want string
	}{
		"unknown argument": {newMaintenance, `{"lable":"x"}`, `is refused: unknown field "lable" (known are label, value)`},
		"empty label":      {newMaintenance, `{"label":""}`, "label is empty: name the label that marks clusters in maintenance"},
		"no highest cost":  {newCost, `{"highest":0}`, "highest is 0: must be from 1 to 1000000"},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := c.factory(t.Context(), json.RawMessage(c.args), nil); err == nil || err.Error() != c.want {
				t.Errorf("got  %v\nwant %s", err, c.want)
			}
		})
	}
}
