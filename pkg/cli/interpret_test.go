package cli

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write what commands print to their golden files")

func TestInterpret(t *testing.T) {
	const dir = "testdata/interpret"
	file := func(name string) string { return filepath.Join(dir, name) }
	const example = "../../examples/interpreter"
	for name, c := range map[string]struct {
		args   []string
		code   int
		stderr string
		err    string
	}{
		"check":             {args: []string{"-f", file("customization.yaml"), "--check"}},
		"check-broken":      {args: []string{"-f", file("broken.yaml"), "--check"}, code: ExitFailure, err: "1 of 1 customizations would be refused:"},
		"retain":            {args: []string{"-f", file("customization.yaml"), "--operation", "Retain", "--desired-file", file("widget.yaml"), "--observed-file", file("observed.yaml")}},
		"replicas":          {args: []string{"-f", file("customization.yaml"), "--operation", "interpretReplica", "--observed-file", file("widget.yaml")}},
		"components":        {args: []string{"-f", file("customization.yaml"), "--operation", "InterpretComponent", "--observed-file", file("widget.yaml")}},
		"revise":            {args: []string{"-f", file("customization.yaml"), "--operation", "ReviseReplica", "--desired-file", file("widget.yaml"), "--desired-replica", "2"}},
		"status":            {args: []string{"-f", file("customization.yaml"), "--operation", "InterpretStatus", "--observed-file", file("widget.yaml")}},
		"aggregate":         {args: []string{"-f", file("customization.yaml"), "--operation", "AggregateStatus", "--observed-file", file("widget.yaml"), "--status-file", file("status.yaml")}},
		"health":            {args: []string{"-f", file("customization.yaml"), "--operation", "InterpretHealth", "--observed-file", file("widget.yaml")}, stderr: "size\t3\n"},
		"dependencies":      {args: []string{"-f", file("customization.yaml"), "--operation", "InterpretDependency", "--observed-file", file("widget.yaml")}},
		"example":           {args: []string{"-f", example + "/customization.yaml", "--operation", "InterpretReplica", "--observed-file", example + "/cluster.yaml"}},
		"example-check":     {args: []string{"-f", example + "/customization.yaml", "--check"}},
		"example-aggregate": {args: []string{"-f", example + "/customization.yaml", "--operation", "AggregateStatus", "--observed-file", example + "/cluster.yaml", "--status-file", example + "/status.yaml"}},
		"failing": {args: []string{"-f", file("broken.yaml"), "--operation", "InterpretStatus", "--observed-file", file("widget.yaml")}, code: ExitFailure,
			err: "customization broken: ReflectStatus: luaScript:2: attempt to index a non-table object(nil) with key 'ready'"},
		"not there": {args: []string{"-f", file("broken.yaml"), "--operation", "Retain", "--desired-file", file("widget.yaml"), "--observed-file", file("widget.yaml")}, code: ExitFailure,
			err: "nobody knows Retain of example.com/v1 Widget: there is no retention"},
		"unknown to Atoll":     {args: []string{"--operation", "InterpretHealth", "--observed-file", file("widget.yaml")}, code: ExitFailure, err: "nobody knows InterpretHealth of example.com/v1 Widget"},
		"unknown operation":    {args: []string{"-f", file("customization.yaml"), "--operation", "Guess", "--observed-file", file("widget.yaml")}, code: ExitUsage, err: `operation "Guess" is unknown; use one of Retain,`},
		"no operation":         {args: []string{"-f", file("customization.yaml")}, code: ExitUsage, err: "say what to ask with --operation"},
		"no object":            {args: []string{"-f", file("customization.yaml"), "--operation", "InterpretHealth"}, code: ExitUsage, err: "name the file of the object"},
		"check of nothing":     {args: []string{"--check"}, code: ExitUsage, err: "--check needs customizations"},
		"no such file":         {args: []string{"-f", file("none.yaml"), "--check"}, code: ExitFailure, err: "none.yaml"},
		"not a customization":  {args: []string{"-f", file("widget.yaml"), "--check"}, code: ExitUsage, err: "has a example.com/v1 Widget, must have a config.karmada.io/v1alpha1 ResourceInterpreterCustomization"},
		"another kind":         {args: []string{"-f", file("customization.yaml"), "--operation", "InterpretHealth", "--observed-file", file("customization.yaml")}, code: ExitUsage, err: "no customization is for config.karmada.io/v1alpha1 ResourceInterpreterCustomization"},
		"not status items":     {args: []string{"-f", file("customization.yaml"), "--operation", "AggregateStatus", "--observed-file", file("widget.yaml"), "--status-file", file("widget.yaml")}, code: ExitUsage, err: "has no status items"},
		"an argument":          {args: []string{"customization.yaml"}, code: ExitUsage, err: `unexpected argument "customization.yaml"; files are given with -f`},
		"retain without a one": {args: []string{"-f", file("customization.yaml"), "--operation", "Retain", "--desired-file", file("widget.yaml")}, code: ExitUsage, err: "Retain needs --desired-file and --observed-file"},
	} {
		t.Run(name, func(t *testing.T) {
			stdout, stderr, code, err := execute(t, false, append([]string{"interpret"}, c.args...)...)
			if code != c.code || stderr != c.stderr || (err == nil) != (c.err == "") || err != nil && !strings.Contains(err.Error(), c.err) {
				t.Errorf("ends with code %d, error %v and %q on standard error, want %d, %q and %q", code, err, stderr, c.code, c.err, c.stderr)
			}
			if c.code != ExitOK && name != "check-broken" {
				if stdout != "" {
					t.Errorf("prints %q besides failing", stdout)
				}
				return
			}
			golden := file(name + ".golden")
			if *update {
				if err := os.WriteFile(golden, []byte(stdout), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if stdout != string(want) {
				t.Errorf("prints\n%s\nwant\n%s", stdout, want)
			}
		})
	}
}
