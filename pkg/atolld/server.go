package atolld

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/spf13/cobra"
	"k8s.io/client-go/rest"
	"k8s.io/klog/v2"

	"atoll.dev/atoll/pkg/apiserver"
	"atoll.dev/atoll/pkg/apiserver/certificates"
	"atoll.dev/atoll/pkg/apiserver/datadir"
	"atoll.dev/atoll/pkg/apiserver/etcdmember"
	"atoll.dev/atoll/pkg/serverconfig"
)

const (
	// etcdStartTimeout bounds etcd's start; replaying a long log takes seconds.
	etcdStartTimeout = 2 * time.Minute
	// readyTimeout bounds the API server's start.
	readyTimeout = time.Minute
	readyPoll    = 10 * time.Millisecond
)

func (prog *program) serverCommand() *cobra.Command {
	return prog.configured(&cobra.Command{
		Use:   "server",
		Short: "Run the whole control plane in this process",
		Long: `Runs etcd, the API server, the scheduler and the controllers in one process.

The first start makes everything that it needs in the data directory, and a
kubeconfig for the administrator: DATA/admin.kubeconfig, context "atoll".`,
		Example: `  # All in one, reachable on this machine
  atolld server --data-dir /var/lib/atoll

  # Reachable under a name, storing in an etcd that runs elsewhere
  atolld server --bind-address 0.0.0.0 --tls-san atoll.example.org \
    --etcd-servers https://10.0.0.1:2379,https://10.0.0.2:2379,https://10.0.0.3:2379 \
    --etcd-cafile ca.crt --etcd-certfile client.crt --etcd-keyfile client.key`,
	}, func(ctx context.Context, c *serverconfig.ServerConfiguration) error {
		return prog.runPlane(ctx, c, true)
	})
}

func (prog *program) apiserverCommand() *cobra.Command {
	return prog.configured(&cobra.Command{
		Use:   "apiserver",
		Short: "Run the API server alone",
		Long: `Runs the API server alone. Scheduler and controllers run elsewhere, with
DATA/pki/scheduler.kubeconfig and DATA/pki/controllers.kubeconfig.
Without --etcd-servers it runs its own etcd, as "atolld server" does.`,
	}, func(ctx context.Context, c *serverconfig.ServerConfiguration) error {
		return prog.runPlane(ctx, c, false)
	})
}

// runPlane runs etcd, unless it is elsewhere, and the API server, and with all the
// other roles too, until ctx ends.
func (prog *program) runPlane(ctx context.Context, c *serverconfig.ServerConfiguration, all bool) error {
	tuneMemory()
	listener, dir, err := claimHost(c)
	if err != nil {
		return err
	}
	defer dir.Close()
	defer listener.Close() // the API server has closed it, unless it never came to that
	pki, err := certificates.Open(ctx, certificates.Options{
		Directory:       dir.PKI(),
		AdminKubeconfig: dir.AdminKubeconfig(),
		BindAddress:     c.BindAddress,
		SecurePort:      c.SecurePort,
		TLSSANs:         c.TLSSANs,
		LeafDuration:    c.Certificates.LeafDuration.Duration,
	})
	if err != nil {
		return err
	}

	ctx = quieter(ctx)
	p := newProcess()
	p.start(ctx, "certificate renewal", func(ctx context.Context) error { pki.Run(ctx); return nil })
	etcd, err := startEtcd(ctx, p, c, dir)
	if err != nil {
		return joined(err, p.stopAll())
	}
	server, err := apiserver.New(ctx, apiserverOptions(c, listener, pki, etcd))
	if err != nil {
		return joined(err, p.stopAll())
	}
	p.start(ctx, "the API server", server.Run)
	if err := p.until(ctx, readyTimeout, "the API server is ready", server.Ready); err != nil {
		if ctx.Err() != nil {
			// Kubernetes' start hooks crash the process when they are stopped half-way: let them finish first.
			_ = p.until(context.WithoutCancel(ctx), readyTimeout, "the API server can be stopped", server.Ready)
		}
		return joined(err, p.stopAll())
	}
	if all {
		if err := prog.startRoles(ctx, p, c, server, pki, dir); err != nil {
			return joined(err, p.stopAll())
		}
	}
	returnMemory()
	fmt.Fprintf(os.Stderr, "atolld: ready, kubeconfig %s\n", dir.AdminKubeconfig())
	return p.wait(ctx)
}

// startEtcd starts the embedded etcd unless the configuration names another, and
// returns how to reach the one that counts.
func startEtcd(ctx context.Context, p *process, c *serverconfig.ServerConfiguration, dir *datadir.Dir) (apiserver.EtcdOptions, error) {
	if c.Etcd.External() {
		return apiserver.EtcdOptions{
			Servers: c.Etcd.Servers, CAFile: c.Etcd.CAFile, CertFile: c.Etcd.CertFile, KeyFile: c.Etcd.KeyFile,
			Prefix: c.Etcd.Prefix,
		}, nil
	}
	startCtx, cancel := context.WithTimeout(ctx, etcdStartTimeout)
	defer cancel()
	member, err := etcdmember.Start(startCtx, etcdmember.Config{
		Dir: dir.Etcd(), Token: dir.Identity().UID, QuotaBackendBytes: c.Etcd.QuotaBackendBytes,
	})
	if err != nil {
		return apiserver.EtcdOptions{}, err
	}
	p.start(ctx, "etcd", func(ctx context.Context) error {
		select {
		case <-ctx.Done():
			return member.Stop()
		case <-member.Done():
			return member.Err()
		}
	})
	return apiserver.EtcdOptions{Servers: member.Endpoints(), Prefix: c.Etcd.Prefix}, nil
}

// startRoles runs scheduler and controllers beside the API server, over memory and one cache.
func (prog *program) startRoles(ctx context.Context, p *process, c *serverconfig.ServerConfiguration, server *apiserver.Server, pki *certificates.PKI, dir *datadir.Dir) error {
	identity := processIdentity()
	if !c.Etcd.External() {
		// The lock of the data directory makes this process the only one that can reach its etcd with these roles:
		// after a crash it goes on under its old leases instead of waiting for them to expire.
		identity = "server-" + dir.Identity().UID
	}
	shared := &members{}
	config := func(user string) *rest.Config { return server.InProcess(user) }
	controllers, err := newManager(ctx, config(apiserver.ControllersUser), controllersRole(c, identity, housekeepingKeys(pki), shared), nil)
	if err != nil {
		return err
	}
	scheduler, err := newManager(ctx, config(apiserver.SchedulerUser), prog.schedulerRole(c, identity, shared), controllers.GetCache())
	if err != nil {
		return err
	}
	p.start(ctx, "the controllers", controllers.Start)
	p.start(ctx, "the scheduler", scheduler.Start)
	klog.FromContext(ctx).V(1).Info("Roles started", "identity", identity)
	return nil
}
