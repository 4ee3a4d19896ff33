package cli

import (
	"context"
	"fmt"
	"time"

	karmada "github.com/karmada-io/karmada/pkg/generated/clientset/versioned"
	"github.com/spf13/cobra"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	utilcomp "k8s.io/kubectl/pkg/util/completion"

	"atoll.dev/atoll/pkg/cli/tree"
	"atoll.dev/atoll/pkg/membership/join"
)

func newStatus(e *env) *cobra.Command {
	var output outputFlag
	cmd := &cobra.Command{
		Use:   "status KIND/NAME",
		Short: "Show what became of a template, policy or cluster",
		Long: `Shows the way of a template to its clusters as a tree: policy, binding, clusters, and for each whether it
is ready and why not. The lowest line that is not ready is the cause of what is above it.

Of a PropagationPolicy or ClusterPropagationPolicy it shows all templates that it propagates, of a
Cluster its conditions and taints.

` + exitCodes,
		Example: fmt.Sprintf(`  # Where does deployment nginx run, and is it well?
  %[1]s status deployment/nginx -n web

  # All that a policy propagates, for a program
  %[1]s status pp/nginx -o json

  # Why is a cluster not ready?
  %[1]s status cluster/member1`, e.name),
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) == 2 { // kubectl's other way of naming an object
				return nil
			}
			return exactlyOne("KIND/NAME")(cmd, args)
		},
		ValidArgsFunction: utilcomp.ResourceTypeAndNameCompletionFunc(e.factory),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := output.validate(); err != nil {
				return err
			}
			return e.status(cmd.Context(), args, output)
		},
	}
	output.add(cmd)
	return cmd
}

func (e *env) status(ctx context.Context, args []string, output outputFlag) error {
	config, err := e.planeConfig()
	if err != nil {
		return err
	}
	// Asked first, since the discovery that follows logs its failures one by one.
	if _, err := e.serverVersion(); err != nil {
		return err
	}
	root, err := e.tree(ctx, args)
	if err != nil {
		return join.ExplainPlane(err, config.Host, "reading the status")
	}
	if output == "json" {
		return printJSON(e.Out, root)
	}
	return tree.Print(e.Out, root, time.Now())
}

func (e *env) tree(ctx context.Context, args []string) (*tree.Node, error) {
	obj, err := e.oneObject(args)
	if err != nil {
		return nil, err
	}
	config, err := e.planeConfig()
	if err != nil {
		return nil, err
	}
	client, err := karmada.NewForConfig(config)
	if err != nil {
		return nil, err
	}
	return tree.NewCollector(client).Collect(ctx, obj)
}

// oneObject reads the object that the arguments name.
func (e *env) oneObject(args []string) (*unstructured.Unstructured, error) {
	namespace, _, err := e.factory.ToRawKubeConfigLoader().Namespace()
	if err != nil {
		return nil, badPlaneConfig(err)
	}
	infos, err := e.factory.NewBuilder().Unstructured().NamespaceParam(namespace).DefaultNamespace().
		ResourceTypeOrNameArgs(false, args...).SingleResourceType().Latest().Flatten().Do().Infos()
	if err != nil {
		return nil, err
	}
	if len(infos) != 1 {
		return nil, usageError{fmt.Errorf("one object is expected, got %d; name it as KIND/NAME", len(infos))}
	}
	obj, ok := infos[0].Object.(*unstructured.Unstructured)
	if !ok {
		return nil, fmt.Errorf("%s is not an object", args[0])
	}
	return obj, nil
}
