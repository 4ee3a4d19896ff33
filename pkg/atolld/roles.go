package atolld

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"k8s.io/apimachinery/pkg/util/uuid"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	"sigs.k8s.io/controller-runtime/pkg/manager"

	"atoll.dev/atoll/pkg/housekeeping"
	"atoll.dev/atoll/pkg/membership"
	"atoll.dev/atoll/pkg/membership/connection"
	"atoll.dev/atoll/pkg/membership/views"
	"atoll.dev/atoll/pkg/propagation"
	"atoll.dev/atoll/pkg/scheduler"
	"atoll.dev/atoll/pkg/scheduler/rebalance"
	"atoll.dev/atoll/pkg/serverconfig"
	"atoll.dev/atoll/pkg/unsupported"
)

func (prog *program) schedulerCommand() *cobra.Command {
	return prog.remote(&cobra.Command{
		Use:   "scheduler",
		Short: "Run the scheduler alone",
		Long: `Runs the scheduler alone, against the API server that --kubeconfig names; by default
that is DATA/pki/scheduler.kubeconfig.
Run as many as you like: of those with the same scheduler.schedulerName one leads, the others stand by.

Section "scheduler" of the configuration file chooses its plugins, their weights and arguments.
Plugins in this program: ` + strings.Join(prog.schedulerPlugins.Names(), ", ") + `.`,
		Example: `  # A second scheduler, for the bindings that name it in spec.schedulerName
  cat >gpu.yaml <<END
  apiVersion: config.atoll.dev/v1alpha1
  kind: ServerConfiguration
  scheduler:
    schedulerName: gpu
    plugins:
      enabled: [{name: ClusterLocality, weight: 5}]
      disabled: [SpreadConstraint]
  END
  atolld scheduler --kubeconfig pki/scheduler.kubeconfig --config gpu.yaml`,
	}, func(ctx context.Context, c *serverconfig.ServerConfiguration) error {
		return runRole(ctx, c, "scheduler.kubeconfig", prog.schedulerRole(c, processIdentity(), &members{}))
	})
}

func (prog *program) controllersCommand() *cobra.Command {
	return prog.remote(&cobra.Command{
		Use:   "controllers",
		Short: "Run the controllers alone",
		Long: `Runs the controllers alone, against the API server that --kubeconfig names; by default
that is DATA/pki/controllers.kubeconfig.
Run as many as you like: one leads, the others stand by.

The loops that sign (service-account tokens, certificate requests) need the keys in DATA/pki
and do not run where these are missing.`,
	}, func(ctx context.Context, c *serverconfig.ServerConfiguration) error {
		return runRole(ctx, c, "controllers.kubeconfig", controllersRole(c, processIdentity(), keysIn(c.DataDir), &members{}))
	})
}

// remote is configured for a role that reaches the API server by a kubeconfig.
func (prog *program) remote(c *cobra.Command, run func(context.Context, *serverconfig.ServerConfiguration) error) *cobra.Command {
	kubeconfig := c.Flags().String("kubeconfig", "", "How to reach the API server (clientConnection.kubeconfig of the configuration file); by default the one in DATA/pki for this role.")
	return prog.configured(c, func(ctx context.Context, config *serverconfig.ServerConfiguration) error {
		config.ClientConnection.Kubeconfig = cmp.Or(*kubeconfig, config.ClientConnection.Kubeconfig)
		return run(ctx, config)
	})
}

// runRole runs one role against an API server elsewhere until ctx ends.
func runRole(ctx context.Context, c *serverconfig.ServerConfiguration, kubeconfig string, r role) error {
	tuneMemory()
	ctx = quieter(ctx)
	path := cmp.Or(c.ClientConnection.Kubeconfig, pkiFile(c.DataDir, kubeconfig))
	config, err := clientcmd.BuildConfigFromFlags("", path)
	if err != nil {
		return fmt.Errorf("reading the kubeconfig of this role (--kubeconfig, or the one that the API server leaves in its data directory): %w", err)
	}
	config.UserAgent = "atolld"
	config.QPS = -1 // the API server's priority and fairness decides, not the client
	mgr, err := newManager(ctx, config, r, nil)
	if err != nil {
		return err
	}
	return mgr.Start(ctx)
}

func (prog *program) schedulerRole(c *serverconfig.ServerConfiguration, identity string, m *members) role {
	return role{
		lease: schedulerLease(c.Scheduler.SchedulerName), identity: identity, times: electionOf(c),
		setup: func(ctx context.Context, mgr manager.Manager) error {
			if err := m.reach(ctx, mgr); err != nil {
				return err
			}
			follower, err := views.Follow(mgr, m.pool, m.ledgers, views.Options{})
			if err != nil {
				return fmt.Errorf("following members: %w", err)
			}
			asked, err := estimators(ctx, c.Scheduler.Estimators)
			if err != nil {
				return err
			}
			return scheduler.Setup(ctx, mgr, scheduler.Options{
				SchedulerName:  c.Scheduler.SchedulerName,
				Workers:        c.Scheduler.Parallelism,
				EmptyWorkloads: c.Scheduler.EmptyWorkloads,
				Plugins:        c.Scheduler.Plugins,
				Registry:       prog.schedulerPlugins,
				Estimators:     asked,
				Deschedule:     descheduling(c.Scheduler.Descheduler),
				Views:          follower,
			})
		},
	}
}

// schedulerLease gives schedulers of different names leases of their own: they place different bindings.
func schedulerLease(schedulerName string) string {
	if schedulerName == scheduler.DefaultName {
		return "atoll-scheduler"
	}
	return "atoll-scheduler-" + schedulerName
}

func controllersRole(c *serverconfig.ServerConfiguration, identity string, keys housekeeping.Options, m *members) role {
	return role{
		lease: "atoll-controllers", identity: identity, times: electionOf(c),
		setup: func(ctx context.Context, mgr manager.Manager) error {
			if err := m.reach(ctx, mgr); err != nil {
				return err
			}
			if err := membership.Setup(ctx, mgr, m.pool, membership.Options{Ledgers: m.ledgers}); err != nil {
				return fmt.Errorf("membership: %w", err)
			}
			if err := propagation.Setup(ctx, mgr, m.pool, propagation.Options{}); err != nil {
				return fmt.Errorf("propagation: %w", err)
			}
			if err := rebalance.Setup(mgr); err != nil {
				return fmt.Errorf("rebalancing: %w", err)
			}
			if err := unsupported.Setup(mgr); err != nil {
				return fmt.Errorf("unsupported kinds: %w", err)
			}
			if err := housekeeping.Setup(mgr, rest.CopyConfig(mgr.GetConfig()), keys); err != nil {
				return fmt.Errorf("housekeeping: %w", err)
			}
			return nil
		},
	}
}

// members are what the roles of one process share of the member clusters: connections, and
// watches on nodes and pods. The role that is set up first brings it to life, with its user's
// rights; whichever of them lead use it.
type members struct {
	pool    *connection.Pool
	ledgers *views.Ledgers
}

func (m *members) reach(ctx context.Context, mgr manager.Manager) error {
	if m.pool != nil {
		return nil
	}
	pool, err := connection.NewManagedPool(ctx, mgr, connection.PoolOptions{})
	if err != nil {
		return err
	}
	m.pool, m.ledgers = pool, views.NewLedgers(nil)
	return nil
}

// processIdentity tells this process from every other that may want the same lease.
func processIdentity() string {
	host, err := os.Hostname()
	if err != nil {
		host = "unknown"
	}
	return host + "_" + string(uuid.NewUUID())
}
