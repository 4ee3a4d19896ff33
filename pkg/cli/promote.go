package cli

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/discovery/cached/memory"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/restmapper"
	"k8s.io/utils/clock"
	"sigs.k8s.io/yaml"

	"atoll.dev/atoll/pkg/membership/join"
	"atoll.dev/atoll/pkg/propagation/interpret/native"
	"atoll.dev/atoll/pkg/propagation/promotion"
)

type promoteFlags struct {
	cluster, kubeconfig, context string
	policy                       bool
	policyName                   string
	dependencies, dryRun         bool
	output                       string
}

func newPromote(e *env) *cobra.Command {
	f := &promoteFlags{}
	cmd := &cobra.Command{
		Use:   "promote KIND NAME [-n NAMESPACE] -C CLUSTER",
		Short: "Take an object of a member up into the control plane",
		Long: `Makes a template of an object that runs in a member, and a policy that sends it to that member, where
it is adopted: it goes on running as it is, and from then on the template decides.

The template has the annotation work.karmada.io/conflict-resolution: overwrite, which is what lets it
adopt; take it off before you send the template to clusters that have an object of the same name.
What the control plane has already, and what another object makes, is refused.

` + exitCodes,
		Example: strings.ReplaceAll(`  # Take deployment nginx of member1 over, with what it needs
  atoll promote deployment nginx -n default -C member1 --dependencies

  # See the template and the policy
  atoll promote deployment nginx -C member1 -o yaml`, "atoll ", e.name+" "),
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) != 2 {
				return usageError{fmt.Errorf("KIND and NAME are expected, got %d arguments; see %s --help", len(args), cmd.CommandPath())}
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error { return e.promote(cmd.Context(), args[0], args[1], f) },
	}
	flags := cmd.Flags()
	flags.StringVarP(&f.cluster, "cluster", "C", "", "Name of the member.")
	flags.StringVar(&f.kubeconfig, "cluster-kubeconfig", "", "Kubeconfig of the member, to read it with your own credential instead of through the control plane.")
	flags.StringVar(&f.context, "cluster-context", "", "Context of that kubeconfig; its current context by default.")
	flags.BoolVar(&f.policy, "auto-create-policy", true, "Make a PropagationPolicy, or for cluster-scoped kinds a ClusterPropagationPolicy.")
	flags.StringVar(&f.policyName, "policy-name", "", "Name of that policy; the object's name with a hash by default.")
	flags.BoolVarP(&f.dependencies, "dependencies", "d", false, "Take along what the object refers to (ConfigMaps, Secrets, …).")
	flags.BoolVar(&f.dryRun, "dry-run", false, "Check everything, change nothing, and print what would be done.")
	flags.StringVarP(&f.output, "output", "o", "", "Print the template and the policy as json or yaml, and change nothing.")
	completeFlag(cmd, "cluster", clusterNames(e, 0))
	completeFlag(cmd, "cluster-context", contextsOf("cluster-kubeconfig"))
	completeFlag(cmd, "output", oneOf("json", "yaml"))
	return cmd
}

func (e *env) promote(ctx context.Context, kind, name string, f *promoteFlags) error {
	switch {
	case f.cluster == "":
		return usageError{fmt.Errorf("the member is missing; name it with -C CLUSTER")}
	case f.output != "" && f.output != "json" && f.output != "yaml":
		return usageError{fmt.Errorf("output format %q is unknown; use json or yaml, or leave -o away to promote", f.output)}
	case f.context != "" && f.kubeconfig == "":
		return usageError{fmt.Errorf("--cluster-context needs --cluster-kubeconfig")}
	case f.policyName != "" && !f.policy:
		return usageError{fmt.Errorf("--policy-name needs a policy; leave --auto-create-policy=false away")}
	}
	planeConfig, err := e.planeConfig()
	if err != nil {
		return err
	}
	memberConfig := rest.CopyConfig(planeConfig)
	memberConfig.Host = strings.TrimSuffix(planeConfig.Host, "/") + "/apis/cluster.karmada.io/v1alpha1/clusters/" + f.cluster + "/proxy"
	if f.kubeconfig != "" {
		if memberConfig, err = join.LoadMember(f.kubeconfig, f.context); err != nil {
			return err
		}
	}
	namespace, _, err := e.factory.ToRawKubeConfigLoader().Namespace()
	if err != nil {
		return badPlaneConfig(err)
	}
	r := promotion.Request{
		Interpreter: native.New(clock.RealClock{}), Cluster: f.cluster, Resource: kind, Namespace: namespace, Name: name,
		Policy: f.policy, PolicyName: f.policyName, Dependencies: f.dependencies, DryRun: f.dryRun || f.output != "",
	}
	if r.Plane, err = e.side(planeConfig); err != nil {
		return err
	}
	if r.Member, err = e.side(memberConfig); err != nil {
		return err
	}
	plan, err := promotion.Plan(ctx, r)
	if err != nil {
		return err
	}
	if f.output != "" {
		return printPlan(e.Out, f.output, plan)
	}
	if err := promotion.Promote(ctx, r, plan); err != nil {
		return err
	}
	verb := "promoted"
	if r.DryRun {
		verb = "would be promoted"
	}
	for _, present := range plan.Present {
		fmt.Fprintf(e.ErrOut, "%s is in the control plane already and was left alone\n", present)
	}
	for _, u := range plan.Templates {
		fmt.Fprintf(e.Out, "%s/%s %s from cluster %s\n", strings.ToLower(u.GetKind()), u.GetName(), verb, f.cluster)
	}
	if plan.Policy != nil {
		fmt.Fprintf(e.Out, "%s/%s %s\n", strings.ToLower(plan.Policy.GetKind()), plan.Policy.GetName(), map[bool]string{true: "would be created", false: "created"}[r.DryRun])
	}
	return nil
}

func (e *env) side(config *rest.Config) (promotion.Side, error) {
	dyn, err := dynamic.NewForConfig(config)
	if err != nil {
		return promotion.Side{}, fmt.Errorf("building the client of %s: %w", config.Host, err)
	}
	disc, err := discovery.NewDiscoveryClientForConfig(config)
	if err != nil {
		return promotion.Side{}, fmt.Errorf("building the discovery client of %s: %w", config.Host, err)
	}
	cached := memory.NewMemCacheClient(disc)
	mapper := restmapper.NewShortcutExpander(restmapper.NewDeferredDiscoveryRESTMapper(cached), cached, func(warning string) {
		fmt.Fprintln(e.ErrOut, warning)
	})
	return promotion.Side{Dynamic: dyn, Mapper: mapper}, nil
}

// printPlan prints what would be created: a List as JSON, or YAML documents.
func printPlan(w io.Writer, format string, plan *promotion.Result) error {
	all := plan.Templates
	if plan.Policy != nil {
		all = append(all, plan.Policy)
	}
	if format == "json" {
		items := make([]unstructured.Unstructured, len(all))
		for i, u := range all {
			items[i] = *u
		}
		list := &unstructured.UnstructuredList{Object: map[string]any{"apiVersion": "v1", "kind": "List"}, Items: items}
		return printJSON(w, list.UnstructuredContent())
	}
	for i, u := range all {
		raw, err := yaml.Marshal(u.Object)
		if err != nil {
			return fmt.Errorf("encoding %s: %w", u.GetName(), err)
		}
		if i > 0 {
			fmt.Fprintln(w, "---")
		}
		if _, err := w.Write(raw); err != nil {
			return err
		}
	}
	return nil
}
