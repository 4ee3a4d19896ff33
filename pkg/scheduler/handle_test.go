package scheduler

import (
	"context"
	"encoding/json"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	clusterv1alpha1 "github.com/karmada-io/karmada/pkg/apis/cluster/v1alpha1"
	workv1alpha2 "github.com/karmada-io/karmada/pkg/apis/work/v1alpha2"

	"atoll.dev/atoll/pkg/scheduler/config"
	"atoll.dev/atoll/pkg/scheduler/framework"
	. "atoll.dev/atoll/pkg/scheduler/internal/fixture"
	"atoll.dev/atoll/pkg/scheduler/plugins"
	"atoll.dev/atoll/pkg/scheduler/snapshot"
)

// labelled wants clusters to carry a label. It counts what its Handle knows while it decides.
type labelled struct {
	label           string
	handle          framework.Handle
	clusters, known int
}

func (*labelled) Name() string { return "Labelled" }

func (*labelled) Interest() snapshot.Change { return snapshot.Labels }

func (p *labelled) Filter(ctx context.Context, _ *framework.Request) framework.ClusterFilter {
	var bindings workv1alpha2.ResourceBindingList
	if err := p.handle.Reader().List(ctx, &bindings); err == nil {
		p.known = len(bindings.Items)
	}
	p.clusters = len(p.handle.Snapshot().Clusters())
	return func(c *snapshot.Cluster) *framework.Refusal {
		if _, has := c.Labels[p.label]; has {
			return nil
		}
		return &framework.Refusal{Plugin: "Labelled", Reason: "cluster(s) had no label " + p.label}
	}
}

// TestPluginFromOutside registers a plugin and enables it: it has what it needs, it
// decides, and what waits because of it goes on when a cluster changes as it says.
func TestPluginFromOutside(t *testing.T) {
	registry := plugins.Registry()
	made := &labelled{}
	err := registry.Register("Labelled", func(_ context.Context, args json.RawMessage, h framework.Handle) (framework.Plugin, error) {
		if _, writes := h.Reader().(client.Writer); writes {
			t.Error("a plugin can write")
		}
		made.handle = h
		return made, json.Unmarshal(args, &made.label)
	})
	if err != nil {
		t.Fatal(err)
	}
	p := newPlane(t, Cluster("a"), Cluster("b", Label("gold", "")), everywhere())
	p.restart(func(o *Options) {
		o.Registry = registry
		o.Plugins = config.Plugins{Enabled: []config.Plugin{{Name: "Labelled", Args: json.RawMessage(`"gold"`)}}}
	})
	p.settle()
	p.wants(web, "b:2")
	if made.clusters != 2 || made.known != 1 || made.handle.Clock() != p.clock {
		t.Errorf("the plugin knows %d clusters and %d bindings, want 2 and 1, and its clock is %v", made.clusters, made.known, made.handle.Clock())
	}

	p.alterCluster("b", func(c *clusterv1alpha1.Cluster) { c.Labels = nil })
	p.create(ResourceBinding("late", Deployment(1, placement{})))
	late := web
	late.Name = "late"
	p.settle()
	if c := p.get(late).Status.Conditions; len(c) != 1 || c[0].Status != metav1.ConditionFalse || !strings.Contains(c[0].Message, "cluster(s) had no label gold") {
		t.Errorf("conditions %+v, want the plugin's reason", c)
	}
	p.alterCluster("a", func(c *clusterv1alpha1.Cluster) { c.Labels = map[string]string{"gold": ""} })
	p.settle()
	p.wants(late, "a:1")
}

func TestPluginIsRefused(t *testing.T) {
	o, err := Options{Plugins: config.Plugins{Enabled: []config.Plugin{{Name: "Nope"}}}}.complete()
	if err != nil {
		t.Fatal(err)
	}
	_, err = newScheduler(t.Context(), o, nil, nil, nil, nil)
	if err == nil || !strings.HasPrefix(err.Error(), `invalid configuration: scheduler.plugins.enabled[0].name: Unsupported value: "Nope": supported values: "APIEnablement"`) {
		t.Errorf("got %v, want the name of the plugin and those that there are", err)
	}
}
