package plugins_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"k8s.io/utils/ptr"

	"atoll.dev/atoll/pkg/scheduler/config"
	"atoll.dev/atoll/pkg/scheduler/framework"
	"atoll.dev/atoll/pkg/scheduler/plugins"
	"atoll.dev/atoll/pkg/scheduler/snapshot"
)

type named string

func (n named) Name() string { return string(n) }

type filters struct{ named }

func (filters) Filter(context.Context, *framework.Request) framework.ClusterFilter { return nil }
func (filters) Interest() snapshot.Change                                          { return snapshot.None }

type scores struct{ named }

func (scores) Score(context.Context, *framework.Request) framework.ClusterScore { return nil }

// needy scores, and needs others.
type needy struct {
	scores
	others []string
}

func (n needy) Needs() []string { return n.others }

// registry holds the in-tree plugins and others that are good or bad in one way each.
func registry(t *testing.T) framework.Registry {
	t.Helper()
	r := plugins.Registry()
	for name, p := range map[string]framework.Plugin{
		"Filters":       filters{"Filters"},
		"Scores":        scores{"Scores"},
		"Misnamed":      filters{"Other"},
		"Idle":          named("Idle"),
		"None":          nil,
		"NeedsScores":   needy{scores{"NeedsScores"}, []string{"Scores"}},
		"NeedsLocality": needy{scores{"NeedsLocality"}, []string{"ClusterLocality"}},
	} {
		err := r.Register(name, func(_ context.Context, args json.RawMessage, _ framework.Handle) (framework.Plugin, error) {
			return p, framework.NoArgs(args)
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	err := r.Register("Fails", func(context.Context, json.RawMessage, framework.Handle) (framework.Plugin, error) {
		return nil, errors.New("the price list is missing: give its URL as url")
	})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestBuild(t *testing.T) {
	inTree := names(plugins.Default())
	weight := ptr.To[int32]
	for name, c := range map[string]struct {
		config  config.Plugins
		want    string
		weights map[string]int64 // those that matter
	}{
		"default": {config.Plugins{}, inTree, map[string]int64{"ClusterLocality": 1}},
		"others come last, in the order given": {config.Plugins{Enabled: []config.Plugin{{Name: "Scores"}, {Name: "Filters"}}},
			inTree + " Scores Filters", map[string]int64{"ClusterLocality": 1, "Scores": 1}},
		"another weight, the same place": {config.Plugins{Enabled: []config.Plugin{{Name: "Scores", Weight: weight(7)}, {Name: "ClusterLocality", Weight: weight(0)}}},
			inTree + " Scores", map[string]int64{"ClusterLocality": 0, "Scores": 7}},
		"without one": {config.Plugins{Disabled: []string{"TaintToleration"}},
			strings.Replace(inTree, "TaintToleration ", "", 1), map[string]int64{"ClusterLocality": 1}},
		"none but": {config.Plugins{Enabled: []config.Plugin{{Name: "Filters"}, {Name: "ClusterLocality"}}, Disabled: []string{"*"}},
			"Filters ClusterLocality", map[string]int64{"ClusterLocality": 1}},
		"none": {config.Plugins{Disabled: []string{"*"}}, "", map[string]int64{}},
		"some first": {config.Plugins{Enabled: []config.Plugin{{Name: "Filters"}}, Order: []string{"Filters", "APIEnablement"}},
			"Filters APIEnablement " + strings.Replace(inTree, "APIEnablement ", "", 1), map[string]int64{"ClusterLocality": 1}},
		"off without being needed": {config.Plugins{Enabled: []config.Plugin{{Name: "Scores"}, {Name: "NeedsScores"}}, Disabled: []string{"*"}},
			"Scores NeedsScores", map[string]int64{"Scores": 1, "NeedsScores": 1}},
	} {
		t.Run(name, func(t *testing.T) {
			set, err := plugins.Build(t.Context(), c.config, registry(t), nil)
			if err != nil {
				t.Fatal(err)
			}
			if got := names(set.Plugins); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
			for name, want := range c.weights {
				if got, ok := set.Weights[name]; got != want || !ok {
					t.Errorf("%s has weight %d, want %d", name, got, want)
				}
			}
		})
	}
}

func names(of []framework.Plugin) string {
	var names []string
	for _, p := range of {
		names = append(names, p.Name())
	}
	return strings.Join(names, " ")
}

func TestBuildRefuses(t *testing.T) {
	on := func(p ...config.Plugin) config.Plugins { return config.Plugins{Enabled: p} }
	for name, c := range map[string]struct {
		config config.Plugins
		want   string
	}{
		"unknown plugin": {on(config.Plugin{Name: "Nope"}),
			`scheduler.plugins.enabled[0].name: Unsupported value: "Nope": supported values: "` + strings.Join(registry(t).Names(), `", "`) + `"`},
		"order of what does not run": {config.Plugins{Order: []string{"Scores", "ClusterLocality", "Filters"}},
			`[scheduler.plugins.order[0]: Invalid value: "Scores": does not run: name it in plugins.enabled, or leave it out here, scheduler.plugins.order[2]: Invalid value: "Filters": does not run: name it in plugins.enabled, or leave it out here]`},
		"arguments for none": {on(config.Plugin{Name: "Scores"}, config.Plugin{Name: "Filters", Args: json.RawMessage(`{"a":1}`)}),
			`scheduler.plugins.enabled[1].args: Invalid value: "{\"a\":1}": the plugin takes no arguments: leave them out`},
		"arguments are missing": {on(config.Plugin{Name: "Fails"}),
			`scheduler.plugins.enabled[0].args: Required value: the price list is missing: give its URL as url`},
		"weight of a filter": {on(config.Plugin{Name: "ClusterAffinity", Weight: ptr.To[int32](2)}),
			`scheduler.plugins.enabled[0].weight: Invalid value: 2: plugin ClusterAffinity does not score: leave the weight out`},
		"two names": {on(config.Plugin{Name: "Misnamed"}),
			`scheduler.plugins: Internal error: the plugin registered as Misnamed calls itself Other: give it one name`},
		"no plugin": {on(config.Plugin{Name: "None"}),
			`scheduler.plugins: Internal error: the factory of plugin None made none and said no error`},
		"neither filters nor scores": {on(config.Plugin{Name: "Idle"}),
			`scheduler.plugins: Internal error: plugin Idle is neither a FilterPlugin, nor a ScorePlugin, nor a ReservePlugin, nor a PinPlugin: it would never be called`},
		"what it needs is not on": {on(config.Plugin{Name: "NeedsScores"}),
			`scheduler.plugins.enabled: Required value: plugin NeedsScores needs Scores: name that too`},
		"what it needs is off": {config.Plugins{Enabled: []config.Plugin{{Name: "NeedsLocality"}}, Disabled: []string{"TaintToleration", "ClusterLocality"}},
			`scheduler.plugins.disabled[1]: Invalid value: "ClusterLocality": plugin NeedsLocality needs ClusterLocality: let that run, or disable NeedsLocality too`},
		"what it needs is off with all": {config.Plugins{Enabled: []config.Plugin{{Name: "NeedsLocality"}}, Disabled: []string{"*"}},
			`scheduler.plugins.disabled[0]: Invalid value: "*": plugin NeedsLocality needs ClusterLocality: let that run, or disable NeedsLocality too`},
	} {
		t.Run(name, func(t *testing.T) {
			set, err := plugins.Build(t.Context(), c.config, registry(t), nil)
			if want := "invalid configuration: " + c.want; fmt.Sprint(err) != want || set.Plugins != nil {
				t.Errorf("got  %v\nwant %s", err, want)
			}
		})
	}
}
