package cli

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	utilcomp "k8s.io/kubectl/pkg/util/completion"

	workv1alpha2 "github.com/karmada-io/karmada/pkg/apis/work/v1alpha2"

	"atoll.dev/atoll/apis/scheduling/manifest"
	"atoll.dev/atoll/apis/scheduling/v1alpha1"
	"atoll.dev/atoll/pkg/cli/placement"
	"atoll.dev/atoll/pkg/membership/join"
)

const answerTimeout = 10 * time.Second

type whyFlags struct {
	output  structuredFlag
	timeout time.Duration
}

func newWhy(e *env) *cobra.Command {
	f := &whyFlags{}
	cmd := &cobra.Command{
		Use:   "why KIND/NAME",
		Short: "Explain why a workload is placed where it is",
		Long: `Explains the placement of a template: which clusters cannot take it and what would have to change for
them to, what speaks for each of the others, how much room each has and what limits it, how replicas were
divided and rounded, and the last decisions with their causes.

The scheduler decides once more over the clusters as they are now, and tells how; nothing is moved. If that
gives something else than what is, and no decision is due, the workload stays where it is until one is.
Name the template, or its binding (rb/NAME, crb/NAME).

The question is asked by a PlacementReview (placementreviews.scheduling.atoll.dev), for which a user needs
the verbs create, list, watch and delete.

` + exitCodes,
		Example: fmt.Sprintf(`  # Why does deployment nginx run where it does?
  %[1]s why deployment/nginx -n web

  # Why is it pending? For a program
  %[1]s why deployment/nginx -n web -o json

  # By its binding
  %[1]s why rb/nginx-deployment -n web`, e.name),
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) == 2 { // kubectl's other way of naming an object
				return nil
			}
			return exactlyOne("KIND/NAME")(cmd, args)
		},
		ValidArgsFunction: utilcomp.ResourceTypeAndNameCompletionFunc(e.factory),
		RunE:              func(cmd *cobra.Command, args []string) error { return e.why(cmd.Context(), args, f) },
	}
	f.output.add(cmd)
	cmd.Flags().DurationVar(&f.timeout, "timeout", answerTimeout, "How long to wait for the scheduler's answer.")
	return cmd
}

func (e *env) why(ctx context.Context, args []string, f *whyFlags) error {
	if err := f.output.validate(); err != nil {
		return err
	}
	if err := positive("--timeout", f.timeout); err != nil {
		return err
	}
	config, err := e.planeConfig()
	if err != nil {
		return err
	}
	// Asked first, since the discovery that follows logs its failures one by one.
	if _, err := e.serverVersion(); err != nil {
		return err
	}
	object, err := e.oneObject(args)
	if err != nil {
		return join.ExplainPlane(err, config.Host, "reading what is asked about")
	}
	spec, err := questionAbout(object)
	if err != nil {
		return err
	}
	status, err := e.ask(ctx, spec, f.timeout)
	if err != nil {
		return err
	}
	err = f.output.print(e.Out, status, func() error {
		for i := range status.Workloads {
			if err := placement.PrintWhy(e.Out, &status.Workloads[i], status.Clusters, time.Now()); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	return placedAll(status)
}

// ask asks the scheduler of the control plane.
func (e *env) ask(ctx context.Context, spec v1alpha1.PlacementReviewSpec, timeout time.Duration) (*v1alpha1.PlacementReviewStatus, error) {
	config, err := e.planeConfig()
	if err != nil {
		return nil, err
	}
	client, err := placement.NewClient(config)
	if err != nil {
		return nil, err
	}
	status, err := placement.Ask(ctx, client, spec, timeout)
	if err != nil {
		return nil, join.ExplainPlane(err, config.Host, "asking the scheduler")
	}
	return &status, nil
}

// questionAbout asks about a template, or about a binding if the object is one.
func questionAbout(object *unstructured.Unstructured) (v1alpha1.PlacementReviewSpec, error) {
	kind := object.GroupVersionKind()
	switch {
	case kind.Group == workv1alpha2.GroupName && (kind.Kind == workv1alpha2.ResourceKindResourceBinding || kind.Kind == workv1alpha2.ResourceKindClusterResourceBinding):
		return v1alpha1.PlacementReviewSpec{Binding: &v1alpha1.BindingReference{Namespace: object.GetNamespace(), Name: object.GetName()}}, nil
	case manifest.IsPolicy(kind):
		return v1alpha1.PlacementReviewSpec{}, usageError{fmt.Errorf("%s %s is a policy and is not placed itself; name a template that it selects", kind.Kind, object.GetName())}
	}
	return v1alpha1.PlacementReviewSpec{Template: &v1alpha1.TemplateReference{
		APIVersion: object.GetAPIVersion(), Kind: object.GetKind(), Namespace: object.GetNamespace(), Name: object.GetName(),
	}}, nil
}

// placedAll is an error if something cannot be placed.
func placedAll(status *v1alpha1.PlacementReviewStatus) error {
	failed := 0
	for i := range status.Workloads {
		if r := status.Workloads[i].Result; r == v1alpha1.NotPlaced || r == v1alpha1.NotSelected {
			failed++
		}
	}
	if failed == 0 {
		return nil
	}
	return &notPlacedError{failed, len(status.Workloads)}
}
