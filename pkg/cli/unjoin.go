package cli

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"k8s.io/client-go/rest"

	"atoll.dev/atoll/pkg/membership/join"
)

type unjoinFlags struct {
	kubeconfig, context string
	force, dryRun       bool
	timeout             time.Duration
	output              outputFlag
}

func newUnjoin(e *env) *cobra.Command {
	f := &unjoinFlags{}
	cmd := &cobra.Command{
		Use:   "unjoin NAME [--cluster-kubeconfig FILE [--cluster-context CONTEXT]]",
		Short: "Let a cluster leave the control plane",
		Long: `Removes a member: what was dispatched to it, its Cluster, and in the member itself our identities,
their roles, the ownership object and namespace atoll-system (if nothing else lives there).

The member is cleaned with the given kubeconfig, or else with the claimer's credential that the
control plane holds. A member that cannot be reached is unjoined with --force; what stays behind in it
is printed, with the way to remove it.

` + exitCodes,
		Example: strings.ReplaceAll(`  # Let member1 go and clean it up
  atoll unjoin member1

  # Clean up with a credential of your own, also when the Cluster is gone already
  atoll unjoin member1 --cluster-kubeconfig ~/member1.kubeconfig

  # Give up a member that is dead
  atoll unjoin member1 --force`, "atoll ", e.name+" "),
		Args:              exactlyOne("NAME"),
		ValidArgsFunction: clusterNames(e, 1),
		RunE:              func(cmd *cobra.Command, args []string) error { return e.unjoin(cmd.Context(), args[0], f) },
	}
	flags := cmd.Flags()
	flags.StringVar(&f.kubeconfig, "cluster-kubeconfig", "", "Kubeconfig of the cluster, to clean it up with your own credential.")
	flags.StringVar(&f.context, "cluster-context", "", "Context of that kubeconfig; its current context by default.")
	flags.BoolVar(&f.force, "force", false, "Unjoin even if the cluster cannot be cleaned up, and say what stays behind.")
	flags.DurationVar(&f.timeout, "timeout", join.DefaultTimeout, "How long to wait for the works to leave the cluster.")
	flags.BoolVar(&f.dryRun, "dry-run", false, "Check everything, change nothing, and print what would be done.")
	f.output.add(cmd)
	completeFlag(cmd, "cluster-context", contextsOf("cluster-kubeconfig"))
	return cmd
}

func (e *env) unjoin(ctx context.Context, name string, f *unjoinFlags) error {
	if err := f.output.validate(); err != nil {
		return err
	}
	if err := positive("--timeout", f.timeout); err != nil {
		return err
	}
	var member *rest.Config
	if f.kubeconfig != "" {
		var err error
		if member, err = join.LoadMember(f.kubeconfig, f.context); err != nil {
			return err
		}
	} else if f.context != "" {
		return usageError{fmt.Errorf("--cluster-context needs --cluster-kubeconfig")}
	}
	plane, err := e.planeConfig()
	if err != nil {
		return err
	}
	res, err := join.Unjoin(ctx, join.LeaveRequest{Name: name, Plane: plane, Member: member,
		Force: f.force, Timeout: f.timeout, DryRun: f.dryRun, Report: e.progress})
	if res != nil && f.output == "json" {
		if err := printJSON(e.Out, res); err != nil {
			return err
		}
	}
	if err != nil || f.output == "json" {
		return err
	}
	verb := "left"
	if res.DryRun {
		verb = "would leave"
	}
	fmt.Fprintf(e.Out, "cluster/%s %s\n", res.Cluster, verb)
	if len(res.LeftBehind) > 0 {
		fmt.Fprintf(e.ErrOut, "Left behind in the cluster:\n")
		for _, o := range res.LeftBehind {
			fmt.Fprintf(e.ErrOut, "  %s\n", o)
		}
		fmt.Fprintf(e.ErrOut, "To remove it: %s\n", res.Remedy)
	}
	return nil
}
