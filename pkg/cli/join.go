package cli

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"atoll.dev/atoll/pkg/membership/identity"
	"atoll.dev/atoll/pkg/membership/join"
)

type joinFlags struct {
	kubeconfig, context string
	provider, region    string
	zones               []string
	mode                string
	wait, dryRun        bool
	timeout             time.Duration
	output              outputFlag
}

func newJoin(e *env) *cobra.Command {
	f := &joinFlags{}
	cmd := &cobra.Command{
		Use:   "join NAME --cluster-kubeconfig FILE [--cluster-context CONTEXT]",
		Short: "Join a cluster to the control plane",
		Long: `Joins a cluster as a member under NAME.

The kubeconfig's credential is used now and stored nowhere. In the member, join makes namespace
atoll-system with three service accounts: a writer, whose role lists just what is propagated
(--rbac=minimal) or every API group (--rbac=admin); a claimer, which enlarges the writer's role when
new kinds are propagated and removes all of it at unjoin; and an impersonator, which carries users of
the cluster proxy. Their tokens are long-lived and kept in namespace karmada-cluster of the control
plane. The member's ownership is claimed, so that no second control plane writes to it.

Running join again is safe: it finishes what was interrupted and replaces a credential that no longer
works. A join that fails takes back what it made.

` + exitCodes,
		Example: strings.ReplaceAll(`  # Join the cluster of the kubeconfig's current context as member1
  atoll join member1 --cluster-kubeconfig ~/member1.kubeconfig

  # Say where it is, for policies that spread over regions
  atoll join member2 --cluster-kubeconfig fleet.kubeconfig --cluster-context m2 --cluster-region eu-1 --cluster-zones a,b

  # See what would be done
  atoll join member1 --cluster-kubeconfig ~/member1.kubeconfig --dry-run

  # Make a member's credential work again
  atoll join member1 --cluster-kubeconfig ~/member1.kubeconfig`, "atoll ", e.name+" "),
		Args:              exactlyOne("NAME"),
		ValidArgsFunction: clusterNames(e, 1),
		RunE:              func(cmd *cobra.Command, args []string) error { return e.join(cmd.Context(), args[0], f) },
	}
	flags := cmd.Flags()
	flags.StringVar(&f.kubeconfig, "cluster-kubeconfig", "", "Kubeconfig of the cluster to join. Its credential needs cluster-admin rights there.")
	flags.StringVar(&f.context, "cluster-context", "", "Context of that kubeconfig; its current context by default.")
	flags.StringVar(&f.provider, "cluster-provider", "", "Cloud provider of the cluster, for spreading.")
	flags.StringVar(&f.region, "cluster-region", "", "Region of the cluster, for spreading.")
	flags.StringSliceVar(&f.zones, "cluster-zones", nil, "Zones of the cluster, comma-separated, for spreading.")
	flags.StringVar(&f.mode, "rbac", "", "Rights of the control plane in the cluster: minimal (just the kinds that are propagated; the default) or admin (every API group). Joining again without it keeps what was chosen.")
	flags.BoolVar(&f.wait, "wait", true, "Wait until the cluster is Ready.")
	flags.DurationVar(&f.timeout, "timeout", join.DefaultTimeout, "How long the whole command may take.")
	flags.BoolVar(&f.dryRun, "dry-run", false, "Check everything, change nothing, and print what would be done.")
	f.output.add(cmd)
	completeFlag(cmd, "cluster-context", contextsOf("cluster-kubeconfig"))
	completeFlag(cmd, "rbac", oneOf(string(identity.Minimal), string(identity.Admin)))
	return cmd
}

func (e *env) join(ctx context.Context, name string, f *joinFlags) error {
	if err := f.output.validate(); err != nil {
		return err
	}
	if err := positive("--timeout", f.timeout); err != nil {
		return err
	}
	var mode identity.Mode
	if f.mode != "" {
		var err error
		if mode, err = identity.ParseMode(f.mode); err != nil {
			return usageError{err}
		}
	}
	member, err := join.LoadMember(f.kubeconfig, f.context)
	if err != nil {
		return err
	}
	plane, err := e.planeConfig()
	if err != nil {
		return err
	}
	res, err := join.Join(ctx, join.Request{Name: name, Plane: plane, Member: member, Mode: mode,
		Provider: f.provider, Region: f.region, Zones: f.zones,
		Wait: f.wait, Timeout: f.timeout, DryRun: f.dryRun, Report: e.progress})
	if res != nil && f.output == "json" {
		if err := printJSON(e.Out, res); err != nil {
			return err
		}
	}
	if err != nil || f.output == "json" {
		return err
	}
	verb := "joined"
	switch {
	case res.DryRun:
		verb = "would be joined"
	case res.Rejoined && len(res.Changes) == 0:
		verb = "is joined already, nothing to do"
	case res.Rejoined:
		verb = "joined again"
	}
	fmt.Fprintf(e.Out, "cluster/%s %s (%s, Kubernetes %s, rbac %s)\n", res.Cluster, verb, res.Endpoint, res.KubernetesVersion, res.Mode)
	if !res.DryRun {
		fmt.Fprintf(e.ErrOut, "Next: %s get clusters\n", e.name)
	}
	return nil
}

func (e *env) progress(line string) { fmt.Fprintln(e.ErrOut, line) }

func positive(flag string, d time.Duration) error {
	if d <= 0 {
		return usageError{fmt.Errorf("%s is %s; it must be positive, for example 60s", flag, d)}
	}
	return nil
}
