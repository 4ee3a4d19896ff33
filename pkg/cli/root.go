package cli

import (
	"flag"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"k8s.io/cli-runtime/pkg/genericclioptions"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
	"k8s.io/klog/v2"
	"k8s.io/kubectl/pkg/cmd/options"
	cmdutil "k8s.io/kubectl/pkg/cmd/util"
	utilcomp "k8s.io/kubectl/pkg/util/completion"
	"k8s.io/kubectl/pkg/util/templates"
	"k8s.io/utils/ptr"

	"atoll.dev/atoll/pkg/version"
)

// PluginBinary is the name under which kubectl finds atoll as a plugin.
const PluginBinary = "kubectl-atoll"

// Options are what the commands need from the process that they run in.
type Options struct {
	Streams genericiooptions.IOStreams
	// Plugin tells that atoll runs as "kubectl atoll".
	Plugin bool
	// Version describes this build.
	Version version.Info
}

// env is what the commands share.
type env struct {
	genericiooptions.IOStreams
	// name is how the user calls us: "atoll" or "kubectl atoll".
	name    string
	flags   *genericclioptions.ConfigFlags
	factory cmdutil.Factory
	version version.Info
}

// planeConfig returns the user's credential for the control plane.
func (e *env) planeConfig() (*rest.Config, error) {
	// Without any configuration kubectl's default is http://localhost:8080, where nobody listens.
	raw, err := e.factory.ToRawKubeConfigLoader().RawConfig()
	if err == nil && clientcmdapi.IsConfigEmpty(&raw) && ptr.Deref(e.flags.APIServer, "") == "" && !inCluster() {
		err = clientcmd.ErrEmptyConfig
	}
	if err != nil {
		return nil, badPlaneConfig(err)
	}
	config, err := e.flags.ToRESTConfig()
	if err != nil {
		return nil, badPlaneConfig(err)
	}
	return config, nil
}

// NewCommand returns the atoll command with all of its subcommands.
// Errors that Execute returns are to be printed by the caller; see ExitCode.
func NewCommand(o Options) *cobra.Command {
	e := &env{IOStreams: o.Streams, name: "atoll", version: o.Version,
		flags: genericclioptions.NewConfigFlags(true).WithDiscoveryBurst(300).WithDiscoveryQPS(50).WithWarningPrinter(o.Streams)}
	e.flags.WrapConfigFn = func(c *rest.Config) *rest.Config {
		c.UserAgent = "atoll/" + o.Version.Version
		return c
	}
	e.factory = cmdutil.NewFactory(e.flags)
	root := &cobra.Command{
		Use:   "atoll",
		Short: "Runs cloud platforms and applications across many Kubernetes clusters",
		Long: "atoll talks to an Atoll control plane: it joins member clusters, applies templates and policies,\n" +
			"and shows what became of them.\n\n" + exitCodes,
		SilenceUsage:  true,
		SilenceErrors: true,
		Args:          noSuchCommand,
		RunE:          func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
		PersistentPreRun: func(*cobra.Command, []string) {
			rest.SetDefaultWarningHandler(rest.NewWarningWriter(o.Streams.ErrOut, rest.WarningWriterOptions{Deduplicate: true}))
		},
	}
	if o.Plugin {
		e.name = "kubectl atoll"
		root.Annotations = map[string]string{cobra.CommandDisplayNameAnnotation: e.name}
	}
	root.SetIn(o.Streams.In)
	root.SetOut(o.Streams.Out)
	root.SetErr(o.Streams.ErrOut)
	e.flags.AddFlags(root.PersistentFlags())
	addVerbosity(root)

	groups := templates.CommandGroups{
		{Message: "Members:", Commands: []*cobra.Command{newJoin(e), newUnjoin(e)}},
		{Message: "Workloads:", Commands: []*cobra.Command{newApply(e), newGet(e), newStatus(e), newWhy(e), newSimulate(e), newInterpret(e)}},
	}
	groups.Add(root)
	root.AddCommand(newVersion(e), options.NewCmdOptions(o.Streams.Out))
	root.InitDefaultCompletionCmd()
	templates.ActsAsRootCommand(root, []string{"options"}, groups...)
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error { // after the templates, which set one of two lines
		return usageError{fmt.Errorf("%w; see %s --help", err, cmd.CommandPath())}
	})
	for _, c := range root.Commands() {
		if c.Name() == "options" {
			c.Example = strings.ReplaceAll(c.Example, "kubectl", e.name)
		}
	}
	utilcomp.SetFactoryForCompletion(e.factory)
	registerGlobalCompletions(root, e)
	return root
}

// noSuchCommand refuses what is no command, with the nearest that are.
func noSuchCommand(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	hint := fmt.Sprintf("see %s --help", cmd.CommandPath())
	if near := cmd.SuggestionsFor(args[0]); len(near) > 0 {
		hint = "did you mean " + strings.Join(near, " or ") + "?"
	}
	return usageError{fmt.Errorf("unknown command %q for %q; %s", args[0], cmd.CommandPath(), hint)}
}

// addVerbosity adds klog's -v, and none of its other flags.
func addVerbosity(root *cobra.Command) {
	fs := flag.NewFlagSet("klog", flag.ContinueOnError)
	klog.InitFlags(fs)
	if v := fs.Lookup("v"); v != nil {
		root.PersistentFlags().AddGoFlag(v)
	}
}

// takenOver makes one of kubectl's commands speak of us.
func takenOver(cmd *cobra.Command, name string) *cobra.Command {
	cmd.Example = strings.ReplaceAll(cmd.Example, "kubectl ", name+" ")
	cmd.Long = strings.ReplaceAll(cmd.Long, "kubectl ", name+" ")
	for _, c := range cmd.Commands() {
		takenOver(c, name)
	}
	return cmd
}

// exactlyOne accepts one argument, named what.
func exactlyOne(what string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		switch {
		case len(args) == 0:
			return usageError{fmt.Errorf("%s is missing; see %s --help", what, cmd.CommandPath())}
		case len(args) > 1:
			return usageError{fmt.Errorf("one %s is expected, got %d arguments; see %s --help", what, len(args), cmd.CommandPath())}
		}
		return nil
	}
}
