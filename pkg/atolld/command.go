package atolld

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"atoll.dev/atoll/pkg/scheduler/framework"
	"atoll.dev/atoll/pkg/scheduler/plugins"
	"atoll.dev/atoll/pkg/version"
)

// Main runs atolld with the arguments of this process until it ends or is told to by
// SIGINT or SIGTERM, and returns the exit code. It may be called once in a process.
func Main(opts ...Option) int {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	// A second signal ends the process at once: the first has restored the default action.
	context.AfterFunc(ctx, stop)
	return run(ctx, os.Args[1:], os.Stderr, opts)
}

func run(ctx context.Context, args []string, stderr io.Writer, opts []Option) int {
	err := func() error {
		prog, err := newProgram(opts)
		if err != nil {
			return err
		}
		root := prog.command()
		root.SetArgs(args)
		return root.ExecuteContext(ctx)
	}()
	if err != nil && !errors.Is(err, context.Canceled) {
		fmt.Fprintf(stderr, "atolld: %v\n", err)
		return 1
	}
	return 0
}

// Option adds something to atolld.
type Option func(*program) error

// WithSchedulerPlugin makes a plugin known to the scheduler under a name that no
// other plugin has. It runs where the configuration enables it:
// scheduler.plugins.enabled with this name.
func WithSchedulerPlugin(name string, factory framework.Factory) Option {
	return func(prog *program) error { return prog.schedulerPlugins.Register(name, factory) }
}

// program is what is compiled in.
type program struct {
	schedulerPlugins framework.Registry
}

func newProgram(opts []Option) (*program, error) {
	prog := &program{schedulerPlugins: plugins.Registry()}
	for _, add := range opts {
		if err := add(prog); err != nil {
			return nil, err
		}
	}
	return prog, nil
}

func (prog *program) command() *cobra.Command {
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
	root.AddCommand(prog.serverCommand(), prog.apiserverCommand(), prog.schedulerCommand(), prog.controllersCommand())
	return root
}
