package join

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	clusterv1alpha1 "github.com/karmada-io/karmada/pkg/apis/cluster/v1alpha1"
	"github.com/karmada-io/karmada/pkg/apis/cluster/validation"
	"k8s.io/client-go/rest"

	"atoll.dev/atoll/pkg/membership/identity"
	"atoll.dev/atoll/pkg/membership/ownership"
)

// DefaultTimeout bounds a whole Join or Unjoin unless asked otherwise.
const DefaultTimeout = time.Minute

// Request says what to join.
type Request struct {
	// Name of the Cluster object, by Karmada's rules: a DNS label of at most 48 characters.
	Name string
	// Plane is the user's credential for the control plane, Member that for the member (see LoadMember).
	Plane, Member *rest.Config
	// Mode of the writer's role in the member. Empty keeps what a member has that is joined already, else Minimal.
	Mode identity.Mode
	// Provider, Region and Zones are written to the Cluster; empty ones leave a joined Cluster's as they are.
	Provider, Region string
	Zones            []string
	// Wait makes Join return only when the Cluster is Ready.
	Wait bool
	// Timeout bounds everything. Default DefaultTimeout.
	Timeout time.Duration
	// DryRun checks everything and writes nothing.
	DryRun bool
	// Report, if set, gets one line for each thing done. It never holds a secret.
	Report func(line string)
}

// Result says what Join did.
type Result struct {
	Cluster string `json:"cluster"`
	// ID is the UID of the member's kube-system namespace.
	ID                string        `json:"id"`
	Endpoint          string        `json:"endpoint"`
	KubernetesVersion string        `json:"kubernetesVersion"`
	Mode              identity.Mode `json:"rbac"`
	// Writer is the service account, in the member, by which the control plane writes to it.
	Writer string `json:"writer"`
	Epoch  int64  `json:"epoch"`
	// Rejoined tells that a Cluster of that name and ID was there before.
	Rejoined bool `json:"rejoined"`
	Ready    bool `json:"ready"`
	DryRun   bool `json:"dryRun,omitempty"`
	// Changes lists what was done; empty if everything was in place.
	Changes []Change `json:"changes"`
}

// Join brings a cluster into the control plane, in this order:
//
//  1. validate the request; look at the control plane, then at the member
//  2. refuse what must not be joined, before anything is written
//  3. member: namespace, ownership, claimer, writer, impersonator, tokens
//  4. prove that the writer's credential works
//  5. control plane: Secrets, Cluster
//  6. wait until the Cluster is Ready, if asked
//
// Each step finds out what is there already. If one of 3 to 5 fails, or the context ends, what
// this run made is taken back and what was there before stays. Errors are *Error.
func Join(ctx context.Context, req Request) (*Result, error) {
	if err := validate(&req); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, req.Timeout)
	defer cancel()

	plane, err := openPlane(ctx, req.Plane)
	if err != nil {
		return nil, err
	}
	member, err := openMember(ctx, req.Name, req.Member)
	if err != nil {
		return nil, err
	}
	existing, err := admit(ctx, plane, member)
	if err != nil {
		return nil, err
	}
	if req.Mode == "" {
		req.Mode = presentMode(ctx, member)
	}
	r := &run{report: req.Report, dryRun: req.DryRun}
	if err := r.bringIn(ctx, plane, member, &req); err != nil {
		return nil, r.takeBack(ctx, err)
	}
	res := &Result{Cluster: req.Name, ID: member.id, Endpoint: member.config.Host, KubernetesVersion: member.version,
		Mode: req.Mode, Writer: identity.Writer(plane.claim.Epoch), Epoch: plane.claim.Epoch,
		Rejoined: existing != nil, DryRun: req.DryRun, Changes: r.changes}
	if req.Wait && !req.DryRun {
		if err := awaitReady(ctx, plane, req.Name); err != nil {
			return res, err
		}
		res.Ready = true
	}
	return res, nil
}

func validate(req *Request) error {
	if msgs := validation.ValidateClusterName(req.Name); len(msgs) > 0 {
		return failed(Usage, nil, "cluster name %q is invalid: %s", req.Name, strings.Join(msgs, "; "))
	}
	if req.Member.ServerName != "" {
		return failed(Usage, nil, "the kubeconfig of %s sets tls-server-name, which a Cluster cannot express; use an address that the certificate covers", req.Name)
	}
	if req.Timeout <= 0 {
		req.Timeout = DefaultTimeout
	}
	if req.Report == nil {
		req.Report = func(string) {}
	}
	return nil
}

// bringIn does what writes.
func (r *run) bringIn(ctx context.Context, p *controlPlane, m *memberCluster, req *Request) error {
	t, err := r.prepare(ctx, m, p.claim, req.Mode)
	if err != nil {
		owned := new(ownership.OwnedError)
		if errors.As(err, &owned) {
			return ownedBy(m.name, owned)
		}
		return explain(err, "member "+m.name, m.config.Host, "preparing the member", "use a credential with cluster-admin rights")
	}
	if !r.dryRun {
		if err := r.verify(ctx, m, t.writer); err != nil {
			return explain(err, "member "+m.name, m.config.Host, "trying the new credential", "check that the API server honours service-account tokens")
		}
	}
	_, err = r.register(ctx, p, m, t, req)
	return explain(err, "the control plane", p.endpoint, "registering the cluster", "log in to the control plane again")
}

// takeBack undoes the run and adds to the error what could not be undone.
func (r *run) takeBack(ctx context.Context, err error) error {
	made := len(r.undo.steps)
	left := r.undo.run(ctx)
	e := new(Error)
	if !errors.As(err, &e) {
		e = failed(Internal, err, "%v", err)
	}
	switch {
	case len(left) > 0:
		return &Error{Kind: e.Kind, Cause: e, Text: fmt.Sprintf("%s (left behind, run join again or remove by hand: %s)", e.Text, strings.Join(left, ", "))}
	case made > 0:
		r.report("took back what this run had made")
	}
	return e
}

// sameCluster tells whether the Cluster object stands for the member.
func sameCluster(c *clusterv1alpha1.Cluster, m *memberCluster) bool { return c.Spec.ID == m.id }
