package membership_test

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"k8s.io/cli-runtime/pkg/genericiooptions"

	"atoll.dev/atoll/pkg/cli"
	"atoll.dev/atoll/pkg/cli/tree"
	"atoll.dev/atoll/pkg/membership/identity"
	"atoll.dev/atoll/pkg/membership/internal/realclusters"
	"atoll.dev/atoll/pkg/membership/join"
)

// atoll runs the command line against the control plane.
func (p *plane) atoll(t *testing.T, args ...string) (stdout, stderr string, code int) {
	t.Helper()
	out, errOut := &bytes.Buffer{}, &bytes.Buffer{}
	cmd := cli.NewCommand(cli.Options{Streams: genericiooptions.IOStreams{In: strings.NewReader(""), Out: out, ErrOut: errOut}})
	cmd.SetArgs(append([]string{"--kubeconfig", clusters.Kubeconfig(realclusters.Count)}, args...))
	err := cmd.ExecuteContext(t.Context())
	if err != nil {
		errOut.WriteString("error: " + err.Error())
	}
	return out.String(), errOut.String(), cli.ExitCode(err)
}

func TestTheWayOfAMemberOnTheCommandLine(t *testing.T) {
	p, m := sharedPlane(t)
	t.Cleanup(func() { p.leave(t, p.request(t, m.name, m.n)) })
	stdout, stderr, code := p.atoll(t, "join", m.name, "--cluster-kubeconfig", clusters.Kubeconfig(m.n), "--rbac", "admin",
		"--cluster-region", "eu", "--cluster-zones", "a,b", "--cluster-provider", "metal", "-o", "json")
	res := join.Result{}
	if err := json.Unmarshal([]byte(stdout), &res); err != nil || code != cli.ExitOK {
		t.Fatalf("exit %d, stdout %q, stderr %q", code, stdout, stderr)
	}
	if res.Cluster != m.name || res.Mode != identity.Admin || !res.Ready || res.Writer != "atoll-writer-e1" {
		t.Errorf("result %+v", res)
	}
	if !strings.Contains(stderr, "member: Namespace atoll-system created") {
		t.Errorf("progress %q", stderr)
	}
	spec := p.cluster(t, m.name).Spec
	if spec.Region != "eu" || !slices.Equal(spec.Zones, []string{"a", "b"}) || spec.Provider != "metal" || spec.ID != res.ID {
		t.Errorf("spec %+v", spec)
	}

	stdout, stderr, code = p.atoll(t, "join", m.name, "--cluster-kubeconfig", clusters.Kubeconfig(m.n))
	if code != cli.ExitOK || !strings.HasPrefix(stdout, "cluster/"+m.name+" is joined already, nothing to do") || !strings.Contains(stdout, "rbac admin") {
		t.Errorf("joining again: exit %d, stdout %q, stderr %q", code, stdout, stderr)
	}
	if !strings.Contains(stderr, "Next: atoll get clusters") {
		t.Errorf("no next command in %q", stderr)
	}
	if p.cluster(t, m.name).Spec.Region != "eu" {
		t.Error("joining again without --cluster-region lost the region")
	}
	stdout, stderr, code = p.atoll(t, "join", "second", "--cluster-kubeconfig", clusters.Kubeconfig(m.n))
	if code != cli.ExitTaken || stdout != "" || !strings.Contains(stderr, "is joined already, as "+m.name) {
		t.Errorf("a second name: exit %d, stdout %q, stderr %q", code, stdout, stderr)
	}

	for _, args := range [][]string{{"unjoin", ""}, {"join", "m"}} {
		stdout, _, _ = p.atoll(t, append([]string{"__completeNoDesc"}, args...)...)
		if !slices.Contains(strings.Fields(stdout), m.name) {
			t.Errorf("completing %q gives %q, want %s among it", args, stdout, m.name)
		}
	}
	stdout, stderr, code = p.atoll(t, "status", "clusters/"+m.name, "-o", "json")
	root := tree.Node{}
	if err := json.Unmarshal([]byte(stdout), &root); err != nil || root.Ready != "True" || len(root.Children) < 2 {
		t.Errorf("status: exit %d, stdout %q, stderr %q", code, stdout, stderr)
	}

	stdout, stderr, code = p.atoll(t, "unjoin", m.name, "--dry-run")
	if code != cli.ExitOK || stdout != "cluster/"+m.name+" would leave\n" || !strings.Contains(stderr, "Namespace atoll-system deleted (dry run)") {
		t.Errorf("dry run: exit %d, stdout %q, stderr %q", code, stdout, stderr)
	}
	if p.cluster(t, m.name).DeletionTimestamp != nil {
		t.Error("a dry run deleted the Cluster")
	}
	stdout, stderr, code = p.atoll(t, "unjoin", m.name)
	if code != cli.ExitOK || stdout != "cluster/"+m.name+" left\n" {
		t.Errorf("unjoin: exit %d, stdout %q, stderr %q", code, stdout, stderr)
	}
	nothingOfOurs(t, m.n)
	p.notRegistered(t, m.name)
}
