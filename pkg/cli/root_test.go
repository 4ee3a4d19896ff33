package cli

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"k8s.io/cli-runtime/pkg/genericiooptions"

	"atoll.dev/atoll/pkg/version"
)

const kubeconfig = `apiVersion: v1
kind: Config
current-context: one
clusters:
- name: c
  cluster: {server: "https://127.0.0.1:1"}
users:
- name: u
  user: {token: t}
contexts:
- name: one
  context: {cluster: c, user: u}
- name: other
  context: {cluster: c, user: u}
`

// execute runs atoll in this process.
func execute(t *testing.T, plugin bool, args ...string) (stdout, stderr string, code int, err error) {
	t.Helper()
	out, errOut := &bytes.Buffer{}, &bytes.Buffer{}
	cmd := NewCommand(Options{Streams: genericiooptions.IOStreams{In: strings.NewReader(""), Out: out, ErrOut: errOut}, Plugin: plugin, Version: version.Get()})
	cmd.SetArgs(args)
	err = cmd.ExecuteContext(t.Context())
	return out.String(), errOut.String(), ExitCode(err), err
}

func writeKubeconfig(t *testing.T, content string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "kubeconfig")
	if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

func TestBadInput(t *testing.T) {
	member := writeKubeconfig(t, kubeconfig)
	empty := writeKubeconfig(t, "")
	for name, c := range map[string]struct {
		args []string
		code int
		want string
	}{
		"join without a name":         {[]string{"join", "--cluster-kubeconfig", member}, ExitUsage, "NAME is missing; see atoll join --help"},
		"join of two names":           {[]string{"join", "a", "b"}, ExitUsage, "one NAME is expected, got 2 arguments"},
		"join without a kubeconfig":   {[]string{"join", "a"}, ExitUsage, "give it with --cluster-kubeconfig FILE"},
		"an unknown flag":             {[]string{"join", "a", "--no-such-flag"}, ExitUsage, "unknown flag: --no-such-flag; see atoll join --help"},
		"an unknown command":          {[]string{"frobnicate"}, ExitUsage, `unknown command "frobnicate" for "atoll"`},
		"an unknown mode":             {[]string{"join", "a", "--rbac", "root", "--cluster-kubeconfig", member}, ExitUsage, `rbac mode "root" is unknown; use "minimal" or "admin"`},
		"an unknown format":           {[]string{"join", "a", "-o", "xml"}, ExitUsage, `output format "xml" is unknown`},
		"a zero timeout":              {[]string{"unjoin", "a", "--timeout", "0s"}, ExitUsage, "--timeout is 0s; it must be positive"},
		"a context without a file":    {[]string{"unjoin", "a", "--cluster-context", "x"}, ExitUsage, "--cluster-context needs --cluster-kubeconfig"},
		"a missing member kubeconfig": {[]string{"join", "a", "--cluster-kubeconfig", "/nowhere/k"}, ExitBadKubeconfig, "kubeconfig /nowhere/k does not exist"},
		"no such context": {[]string{"join", "a", "--cluster-kubeconfig", member, "--cluster-context", "third"}, ExitBadKubeconfig,
			`has no context "third"; it has one, other`},
		"no control plane":            {[]string{"--kubeconfig", empty, "join", "a", "--cluster-kubeconfig", member}, ExitBadKubeconfig, "no control plane is configured"},
		"a missing plane kubeconfig":  {[]string{"--kubeconfig", "/nowhere/p", "unjoin", "a"}, ExitBadKubeconfig, "the control plane's kubeconfig"},
		"an unreachable plane":        {[]string{"--kubeconfig", member, "unjoin", "a"}, ExitUnreachable, "the control plane cannot be reached at https://127.0.0.1:1: connection refused"},
		"status without an object":    {[]string{"status"}, ExitUsage, "KIND/NAME is missing"},
		"status of an unreachable":    {[]string{"--kubeconfig", member, "status", "deployment/x"}, ExitUnreachable, "the control plane cannot be reached at https://127.0.0.1:1"},
		"version of an unreachable":   {[]string{"--kubeconfig", member, "version"}, ExitUnreachable, "the control plane cannot be reached at https://127.0.0.1:1"},
		"a bad name before any dial":  {[]string{"--kubeconfig", member, "unjoin", "Not_A_Name"}, ExitUsage, `cluster name "Not_A_Name" is invalid`},
		"a timeout that is no number": {[]string{"join", "a", "--timeout", "soon"}, ExitUsage, `invalid argument "soon" for "--timeout"`},
	} {
		stdout, _, code, err := execute(t, false, c.args...)
		if err == nil || code != c.code || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: exit %d, %v; want exit %d, %q", name, code, err, c.code, c.want)
		}
		if err != nil && strings.Contains(strings.TrimSpace(err.Error()), "\n") {
			t.Errorf("%s: not one sentence: %q", name, err)
		}
		if data := strings.TrimSpace(stdout); data != "" && !strings.HasPrefix(data, "Client: ") {
			t.Errorf("%s: a failed command printed data: %q", name, data)
		}
	}
}

func TestHelpSpeaksOfUsAsWeAreCalled(t *testing.T) {
	for plugin, us := range map[bool]string{false: "atoll", true: "kubectl atoll"} {
		var check func(cmd *cobra.Command)
		check = func(cmd *cobra.Command) {
			for _, c := range cmd.Commands() {
				if c.Name() == "completion" || c.Name() == "options" || c.Name() == "help" || c.Hidden {
					continue
				}
				stdout, stderr, code, err := execute(t, plugin, append(strings.Fields(c.CommandPath())[len(strings.Fields(us)):], "--help")...)
				if code != ExitOK || stderr != "" {
					t.Errorf("%s --help: exit %d, %v, stderr %q", c.CommandPath(), code, err, stderr)
				}
				if c.Example == "" {
					t.Errorf("%s has no examples", c.CommandPath())
				}
				if text := strings.ReplaceAll(stdout, "kubectl atoll", "atoll"); strings.Contains(text, "kubectl ") && plugin == false {
					t.Errorf("%s --help speaks of kubectl:\n%s", c.CommandPath(), stdout)
				}
				if !strings.Contains(stdout, us+" ") {
					t.Errorf("%s --help does not speak of %q", c.CommandPath(), us)
				}
				check(c)
			}
		}
		check(NewCommand(Options{Streams: genericiooptions.NewTestIOStreamsDiscard(), Plugin: plugin}))
	}
}

func TestCompletionScripts(t *testing.T) {
	for _, shell := range []string{"bash", "zsh", "fish", "powershell"} {
		stdout, _, code, err := execute(t, false, "completion", shell)
		if code != ExitOK || !strings.Contains(stdout, "atoll") {
			t.Errorf("completion %s: exit %d, %v, %d bytes", shell, code, err, len(stdout))
		}
	}
}

func TestCompletionOfValues(t *testing.T) {
	file := writeKubeconfig(t, kubeconfig)
	for _, c := range []struct {
		args []string
		want []string
	}{
		{[]string{"join", "a", "--cluster-kubeconfig", file, "--cluster-context", ""}, []string{"one", "other"}},
		{[]string{"join", "a", "--cluster-kubeconfig", file, "--cluster-context", "ot"}, []string{"other"}},
		{[]string{"join", "a", "--rbac", ""}, []string{"minimal", "admin"}},
		{[]string{"status", "-o", ""}, []string{"json"}},
		{[]string{"--kubeconfig", file, "--context", "o"}, []string{"one", "other"}},
		{[]string{"un"}, []string{"unjoin"}},
	} {
		stdout, _, _, _ := execute(t, false, append([]string{"__completeNoDesc"}, c.args...)...)
		var got []string
		for _, line := range strings.Fields(stdout) {
			if !strings.HasPrefix(line, ":") {
				got = append(got, line)
			}
		}
		if strings.Join(got, " ") != strings.Join(c.want, " ") {
			t.Errorf("completing %q gives %q, want %q", c.args, got, c.want)
		}
	}
}

func TestVersionOfTheClientNeedsNoServer(t *testing.T) {
	stdout, _, code, err := execute(t, false, "version", "--client", "-o", "json")
	if code != ExitOK || !strings.Contains(stdout, `"kubernetes"`) || strings.Contains(stdout, `"server"`) {
		t.Errorf("exit %d, %v: %s", code, err, stdout)
	}
}
