package cli

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/cli-runtime/pkg/resource"
	"k8s.io/utils/ptr"

	"atoll.dev/atoll/apis/scheduling/v1alpha1"
	"atoll.dev/atoll/pkg/cli/placement"
	"atoll.dev/atoll/pkg/membership/join"
)

type simulateFlags struct {
	files     resource.FilenameOptions
	set, fail []string
	replicas  int32
	output    structuredFlag
	timeout   time.Duration
}

func newSimulate(e *env) *cobra.Command {
	f := &simulateFlags{}
	cmd := &cobra.Command{
		Use:   "simulate -f FILES [--set-cluster CLUSTER.FIELD=VALUE] [--fail CLUSTER] [--replicas N]",
		Short: "Show what would be placed where",
		Long: `Shows where the templates in files would be placed, and what would change against now. Nothing is changed.

The files hold templates, and policies if you like: these count in addition to those of the control plane,
or in place of one of the same name. Templates are placed in the order of the files, each with the room
that those before it leave; one that exists already is placed as a change of it. The clusters are taken as
they are now, but for what you suppose:

  --set-cluster m1.labels.KEY=VALUE   a label (m1.labels.KEY- removes it)
  --set-cluster m1.taints=gpu=true:NoSchedule,b:NoExecute   taints in place of its own (empty: none)
  --set-cluster m1.provider=P, m1.region=R, m1.zones=A,B
  --fail m2                           the cluster and all that it holds are gone
  --replicas N                        every template with replicas asks for N

The data of Secrets is not sent. The question is asked by a PlacementReview
(placementreviews.scheduling.atoll.dev), for which a user needs the verbs create, list, watch and delete.

` + exitCodes,
		Example: fmt.Sprintf(`  # Where would this go?
  %[1]s simulate -f deployment.yaml -f policy.yaml

  # What if cluster m2 failed?
  %[1]s simulate -f deployment.yaml --fail m2

  # What if m1 lay in zone a, and there were 50 replicas?
  %[1]s simulate -f deployment.yaml --set-cluster m1.zones=a --replicas 50`, e.name),
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			var replicas *int32
			if cmd.Flags().Changed("replicas") {
				replicas = ptr.To(f.replicas)
			}
			return e.simulate(cmd.Context(), f, replicas)
		},
	}
	flags := cmd.Flags()
	flags.StringSliceVarP(&f.files.Filenames, "filename", "f", nil, "Files, directories or URLs with templates and policies; - is stdin.")
	flags.BoolVarP(&f.files.Recursive, "recursive", "R", false, "Read the directories below those given, too.")
	flags.StringArrayVar(&f.set, "set-cluster", nil, "Suppose that a cluster is different: CLUSTER.FIELD=VALUE. May be given several times.")
	flags.StringSliceVar(&f.fail, "fail", nil, "Suppose that these clusters are gone.")
	flags.Int32Var(&f.replicas, "replicas", 0, "Suppose that every template with replicas asks for so many.")
	flags.DurationVar(&f.timeout, "timeout", answerTimeout, "How long to wait for the scheduler's answer.")
	f.output.add(cmd)
	completeFlag(cmd, "fail", clusterNames(e, 0))
	return cmd
}

func (e *env) simulate(ctx context.Context, f *simulateFlags, replicas *int32) error {
	if err := f.output.validate(); err != nil {
		return err
	}
	if err := positive("--timeout", f.timeout); err != nil {
		return err
	}
	if replicas != nil && *replicas < 0 {
		return usageError{fmt.Errorf("--replicas is %d; it must not be negative", *replicas)}
	}
	if len(f.files.Filenames) == 0 {
		return usageError{errors.New("-f is missing; name files with the templates to place")}
	}
	changes, err := placement.Changes(f.set, f.fail)
	if err != nil {
		return usageError{err}
	}
	config, err := e.planeConfig()
	if err != nil {
		return err
	}
	if _, err := e.serverVersion(); err != nil { // as in why
		return err
	}
	objects, err := e.read(&f.files)
	if err != nil {
		return join.ExplainPlane(err, config.Host, "reading the files")
	}
	simulation, err := placement.Simulation(objects, changes, replicas)
	if err != nil {
		return usageError{err}
	}
	status, err := e.ask(ctx, v1alpha1.PlacementReviewSpec{Simulate: simulation}, f.timeout)
	if err != nil {
		return err
	}
	if err := f.output.print(e.Out, status, func() error { return placement.PrintSimulated(e.Out, status) }); err != nil {
		return err
	}
	return placedAll(status)
}

// read reads the objects in files, with the namespace of the command where they name none.
func (e *env) read(files *resource.FilenameOptions) ([]*unstructured.Unstructured, error) {
	namespace, enforce, err := e.factory.ToRawKubeConfigLoader().Namespace()
	if err != nil {
		return nil, badPlaneConfig(err)
	}
	infos, err := e.factory.NewBuilder().Unstructured().NamespaceParam(namespace).DefaultNamespace().
		FilenameParam(enforce, files).Flatten().Do().Infos()
	if err != nil {
		return nil, err
	}
	var objects []*unstructured.Unstructured
	for _, info := range infos {
		u, ok := info.Object.(*unstructured.Unstructured)
		if !ok {
			return nil, fmt.Errorf("%s: %s is not an object", info.Source, info.Name)
		}
		if u.GetName() == "" {
			return nil, usageError{fmt.Errorf("%s: a %s has no metadata.name; write one", info.Source, u.GetKind())}
		}
		objects = append(objects, u)
	}
	return objects, nil
}
