// Command atolld is Atoll's server: all roles in one process, or one role a process.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"atoll.dev/atoll/pkg/version"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	// A second signal ends the process at once: the first has restored the default action.
	context.AfterFunc(ctx, stop)
	if err := command().ExecuteContext(ctx); err != nil && !errors.Is(err, context.Canceled) {
		fmt.Fprintf(os.Stderr, "atolld: %v\n", err)
		os.Exit(1)
	}
}

func command() *cobra.Command {
	root := &cobra.Command{
		Use:   "atolld",
		Short: "The control plane that runs cloud platforms and applications across many Kubernetes clusters",
		Long: `atolld is Atoll's server.

"atolld server" runs the whole control plane in one process with its own etcd and
needs nothing else. "atolld apiserver", "atolld scheduler" and "atolld controllers"
run one role each, for high availability.`,
		SilenceUsage:  true,
		SilenceErrors: true,
		Version:       version.Get().String(),
	}
	root.AddCommand(serverCommand(), apiserverCommand(), schedulerCommand(), controllersCommand())
	return root
}
