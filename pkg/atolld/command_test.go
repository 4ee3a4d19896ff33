package atolld

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"atoll.dev/atoll/pkg/scheduler/framework"
)

func noPlugin(context.Context, json.RawMessage, framework.Handle) (framework.Plugin, error) {
	return nil, nil
}

// Whatever is wrong with the command line, the configuration or what is compiled in
// is told in one line, before anything is made.
func TestRunRefuses(t *testing.T) {
	const head = "apiVersion: config.atoll.dev/v1alpha1\nkind: ServerConfiguration\n"
	for name, c := range map[string]struct {
		options []Option
		config  string
		want    string // begins with this
	}{
		"name of an in-tree plugin": {[]Option{WithSchedulerPlugin("ClusterAffinity", noPlugin)}, "",
			`scheduler plugin "ClusterAffinity": another plugin has this name: give each its own`},
		"the same name twice": {[]Option{WithSchedulerPlugin("Mine", noPlugin), WithSchedulerPlugin("Mine", noPlugin)}, "",
			`scheduler plugin "Mine": another plugin has this name: give each its own`},
		"unknown plugin": {nil, "scheduler: {plugins: {enabled: [{name: Mine}]}}",
			`invalid configuration: scheduler.plugins.enabled[0].name: Unsupported value: "Mine": supported values: "APIEnablement", `},
		"order of a plugin that is not enabled": {[]Option{WithSchedulerPlugin("Mine", noPlugin)}, "scheduler: {plugins: {order: [Mine]}}",
			`invalid configuration: scheduler.plugins.order[0]: Invalid value: "Mine": does not run: name it in plugins.enabled, or leave it out here`},
		"parallelism": {nil, "scheduler: {parallelism: 0}",
			`invalid configuration: scheduler.parallelism: Invalid value: 0: must be from 1 to 1000`},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			config := filepath.Join(dir, "config.yaml")
			if err := os.WriteFile(config, []byte(head+c.config), 0o600); err != nil {
				t.Fatal(err)
			}
			for _, role := range []string{"server", "scheduler"} {
				var stderr strings.Builder
				code := run(t.Context(), []string{role, "--config", config, "--data-dir", filepath.Join(dir, "data")}, &stderr, c.options)
				if code != 1 || !strings.HasPrefix(stderr.String(), "atolld: "+c.want) || strings.Count(stderr.String(), "\n") != 1 {
					t.Errorf("%s: exit code %d and\n%s\nwant 1 and\natolld: %s", role, code, stderr.String(), c.want)
				}
			}
			if _, err := os.Stat(filepath.Join(dir, "data")); err == nil {
				t.Error("the data directory was made")
			}
		})
	}
}

func TestSchedulerLease(t *testing.T) {
	for name, want := range map[string]string{"default-scheduler": "atoll-scheduler", "gpu": "atoll-scheduler-gpu"} {
		if got := schedulerLease(name); got != want {
			t.Errorf("%s: lease %s, want %s", name, got, want)
		}
	}
}

func TestHelpListsPlugins(t *testing.T) {
	prog, err := newProgram([]Option{WithSchedulerPlugin("Mine", noPlugin)})
	if err != nil {
		t.Fatal(err)
	}
	help := prog.schedulerCommand().Long
	for _, name := range []string{"ClusterLocality", "Mine"} {
		if !strings.Contains(help, name) {
			t.Errorf("%s is not in the help:\n%s", name, help)
		}
	}
}
