package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"

	configv1alpha1 "github.com/karmada-io/karmada/pkg/apis/config/v1alpha1"
	"github.com/spf13/cobra"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/cli-runtime/pkg/resource"

	"atoll.dev/atoll/apis/karmada/customization"
)

// interpretOptions are the flags of atoll interpret, which are karmadactl's.
type interpretOptions struct {
	files     resource.FilenameOptions
	check     bool
	operation string
	desired   string
	observed  string
	status    string
	replicas  int32
}

func newInterpret(e *env) *cobra.Command {
	var o interpretOptions
	var operations []string
	for _, rule := range customization.Rules() {
		operations = append(operations, string(rule.Operation))
	}
	cmd := &cobra.Command{
		Use:   "interpret (-f FILE --check | [-f FILE] --operation OPERATION --observed-file FILE)",
		Short: "Try a ResourceInterpreterCustomization on files",
		Long: `Runs the scripts of ResourceInterpreterCustomizations as the control plane would, with its limits, on
objects from files. No control plane is needed or asked. Without -f it shows what Atoll itself knows of
the object's kind.

What scripts print goes to standard error.

` + exitCodes,
		Example: fmt.Sprintf(`  # Do the scripts compile, and which rules are there?
  %[1]s interpret -f customization.yaml --check

  # How many replicas does it ask for?
  %[1]s interpret -f customization.yaml --operation InterpretReplica --observed-file workload.yaml

  # What does it look like with two replicas?
  %[1]s interpret -f customization.yaml --operation ReviseReplica --observed-file workload.yaml --desired-replica 2

  # What is left to the member?
  %[1]s interpret -f customization.yaml --operation Retain --desired-file desired.yaml --observed-file observed.yaml

  # What do statuses add up to? The file has the items of a binding's status.aggregatedStatus.
  %[1]s interpret -f customization.yaml --operation AggregateStatus --observed-file workload.yaml --status-file status.yaml

  # Is it healthy, as far as Atoll knows without a customization?
  %[1]s interpret --operation InterpretHealth --observed-file rollout.yaml`, e.name),
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 {
				return usageError{fmt.Errorf("unexpected argument %q; files are given with -f; see %s --help", args[0], cmd.CommandPath())}
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, _ []string) error { return e.interpret(cmd.Context(), o) },
	}
	flags := cmd.Flags()
	flags.StringSliceVarP(&o.files.Filenames, "filename", "f", nil, "File, directory or URL with the customizations; - for standard input.")
	flags.BoolVarP(&o.files.Recursive, "recursive", "R", false, "Look for files in the directories of -f, too.")
	flags.BoolVar(&o.check, "check", false, "Check the customizations and show which rules they have.")
	flags.StringVar(&o.operation, "operation", "", "What to ask: one of "+strings.Join(operations, ", ")+".")
	flags.StringVar(&o.desired, "desired-file", "", "File or URL with the object as it is desired; - for standard input.")
	flags.StringVar(&o.observed, "observed-file", "", "File or URL with the object as it is observed; - for standard input.")
	flags.StringVar(&o.status, "status-file", "", "File with the status items of AggregateStatus; - for standard input.")
	flags.Int32Var(&o.replicas, "desired-replica", 0, "Number of replicas for ReviseReplica.")
	completeFlag(cmd, "operation", oneOf(operations...))
	return cmd
}

func (e *env) interpret(ctx context.Context, o interpretOptions) error {
	var customizations []source
	if len(o.files.Filenames) > 0 {
		var err error
		if customizations, err = e.customizations(o.files); err != nil {
			return err
		}
	}
	switch {
	case o.check && o.operation != "":
		return usageError{errors.New("--check and --operation exclude each other")}
	case o.check && len(o.files.Filenames) == 0:
		return usageError{errors.New("--check needs customizations: name their file with -f")}
	case o.check:
		return e.checkCustomizations(customizations)
	case o.operation == "":
		return usageError{errors.New("say what to ask with --operation, or use --check")}
	}
	rule, err := ruleOf(o.operation)
	if err != nil {
		return err
	}
	t, err := e.trial(o, rule, customizations)
	if err != nil {
		return err
	}
	results, err := t.run(ctx)
	if err != nil {
		return err
	}
	return printResults(e.Out, results)
}

// ruleOf finds an operation by its name, in whatever case.
func ruleOf(operation string) (customization.Rule, error) {
	var names []string
	for _, rule := range customization.Rules() {
		if strings.EqualFold(string(rule.Operation), operation) {
			return rule, nil
		}
		names = append(names, string(rule.Operation))
	}
	return customization.Rule{}, usageError{fmt.Errorf("operation %q is unknown; use one of %s", operation, strings.Join(names, ", "))}
}

// source is a customization and where it is from.
type source struct {
	*configv1alpha1.ResourceInterpreterCustomization
	from string
}

func (e *env) customizations(files resource.FilenameOptions) ([]source, error) {
	infos, err := e.factory.NewBuilder().Unstructured().Local().FilenameParam(false, &files).Flatten().Do().Infos()
	if err != nil {
		return nil, fmt.Errorf("reading customizations: %w", err)
	}
	var all []source
	for _, info := range infos {
		u := info.Object.(*unstructured.Unstructured)
		if want := configv1alpha1.SchemeGroupVersion.WithKind("ResourceInterpreterCustomization"); u.GroupVersionKind() != want {
			return nil, usageError{fmt.Errorf("%s has a %s %s, must have a %s %s", info.Source, u.GetAPIVersion(), u.GetKind(), want.GroupVersion(), want.Kind)}
		}
		c := &configv1alpha1.ResourceInterpreterCustomization{}
		if err := decodeStrictly(u, c); err != nil {
			return nil, usageError{fmt.Errorf("reading customization %s from %s: %w", u.GetName(), info.Source, err)}
		}
		all = append(all, source{c, info.Source})
	}
	return all, nil
}
