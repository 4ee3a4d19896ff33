package cli

import (
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"k8s.io/client-go/tools/clientcmd"
	utilcomp "k8s.io/kubectl/pkg/util/completion"
)

type completionFunc = func(cmd *cobra.Command, args []string, toComplete string) ([]string, cobra.ShellCompDirective)

// registerGlobalCompletions completes the values of kubectl's global flags.
func registerGlobalCompletions(root *cobra.Command, e *env) {
	for flag, complete := range map[string]func(string) []string{
		"namespace": func(s string) []string { return utilcomp.CompGetResource(e.factory, "namespace", s) },
		"context":   utilcomp.ListContextsInConfig,
		"cluster":   utilcomp.ListClustersInConfig,
		"user":      utilcomp.ListUsersInConfig,
	} {
		completeFlag(root, flag, func(_ *cobra.Command, _ []string, s string) ([]string, cobra.ShellCompDirective) {
			return slices.Sorted(slices.Values(complete(s))), cobra.ShellCompDirectiveNoFileComp
		})
	}
}

// completeFlag registers a completion; it panics for a flag that does not exist, which is a mistake in the code.
func completeFlag(cmd *cobra.Command, flag string, f completionFunc) {
	if err := cmd.RegisterFlagCompletionFunc(flag, f); err != nil {
		panic(err)
	}
}

func oneOf(values ...string) completionFunc {
	return cobra.FixedCompletions(values, cobra.ShellCompDirectiveNoFileComp)
}

// clusterNames completes the names of joined clusters, for the first limit arguments; 0 is no limit.
func clusterNames(e *env, limit int) completionFunc {
	return func(_ *cobra.Command, args []string, toComplete string) ([]string, cobra.ShellCompDirective) {
		if limit > 0 && len(args) >= limit {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		names := utilcomp.CompGetResource(e.factory, "clusters.cluster.karmada.io", toComplete)
		return slices.DeleteFunc(names, func(n string) bool { return slices.Contains(args, n) }), cobra.ShellCompDirectiveNoFileComp
	}
}

// contextsOf completes the contexts of the kubeconfig that another flag names.
func contextsOf(fileFlag string) completionFunc {
	return func(cmd *cobra.Command, _ []string, toComplete string) ([]string, cobra.ShellCompDirective) {
		file, err := cmd.Flags().GetString(fileFlag)
		if err != nil || file == "" {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		config, err := clientcmd.LoadFromFile(file)
		if err != nil {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		var names []string
		for name := range config.Contexts {
			if strings.HasPrefix(name, toComplete) {
				names = append(names, name)
			}
		}
		slices.Sort(names)
		return names, cobra.ShellCompDirectiveNoFileComp
	}
}
