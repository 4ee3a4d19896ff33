package etcdmember

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"go.etcd.io/etcd/server/v3/embed"
	"google.golang.org/grpc"
	"k8s.io/klog/v2"

	"atoll.dev/atoll/pkg/apiserver/datadir"
)

// stopGrace is how long Stop lets requests that are under way finish.
const stopGrace = 500 * time.Millisecond

// Member is a running etcd. Its methods are safe for concurrent use.
type Member struct {
	config Config
	at     sockets
	etcd   *embed.Etcd

	// done is closed after err was set, once.
	done chan struct{}
	once sync.Once
	err  error

	stopping  atomic.Bool
	serversMu sync.Mutex
	servers   []*grpc.Server
}

// Start runs etcd in config.Dir until Stop, and returns when it takes requests.
// ctx bounds the start only, and carries the logger. Errors are sentences:
// *CorruptError, *ForeignError, *InUseError, *PortError, and from package datadir
// *SpaceError and *AccessError. A process whose Start failed should end: parts of
// etcd may hang about.
func Start(ctx context.Context, config Config) (*Member, error) {
	config, err := config.withDefaults()
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(config.Dir, 0o700); err != nil {
		return nil, datadir.Explain(err, "make the directory "+config.Dir, config.Dir)
	}
	initialized, err := config.preflight()
	if err != nil {
		return nil, err
	}
	at, err := config.place()
	if err != nil {
		return nil, err
	}
	m := &Member{config: config, at: at, done: make(chan struct{})}
	logger := klog.FromContext(ctx).WithName("etcd")
	failed := make(chan error, 1)
	cfg := config.embedConfig(at, m.register)
	cfg.ZapLoggerBuilder = embed.NewZapLoggerBuilder(newLogger(logger, &m.stopping, func(err error) {
		select {
		case failed <- err:
		default: // what came first is the reason, the rest its consequence
		}
	}))

	started := make(chan error, 1)
	go func() { // of its own, since etcd's way to give up ends the goroutine
		debug.SetPanicOnFault(true) // see readDatabase
		defer func() {
			if reason := recover(); reason != nil {
				started <- fmt.Errorf("%v", reason)
			}
		}()
		etcd, err := embed.StartEtcd(cfg)
		m.etcd = etcd
		started <- err
	}()
	select {
	case err = <-started:
	case err = <-failed:
	case <-ctx.Done():
		return nil, fmt.Errorf("etcd in %s did not start in time: %w", config.Dir, context.Cause(ctx))
	}
	if err != nil {
		return nil, config.explain(err, initialized)
	}

	select {
	case <-m.etcd.Server.ReadyNotify():
	case err = <-failed:
		return nil, config.explain(err, initialized)
	case err = <-m.etcd.Err():
		m.etcd.Close()
		return nil, config.explain(err, initialized)
	case <-ctx.Done():
		m.etcd.Close()
		return nil, fmt.Errorf("etcd in %s was not ready in time: %w", config.Dir, context.Cause(ctx))
	}
	go m.watch(failed)
	return m, nil
}

// register is called by etcd with every gRPC server it makes.
func (m *Member) register(s *grpc.Server) {
	m.serversMu.Lock()
	defer m.serversMu.Unlock()
	m.servers = append(m.servers, s)
}

// watch turns a failure of etcd into the member's end.
func (m *Member) watch(failed <-chan error) {
	select {
	case err := <-failed:
		m.finish(m.failure(err))
	case err, open := <-m.etcd.Err():
		if open && err != nil {
			m.finish(m.failure(err))
		}
	case <-m.done:
	}
}

func (m *Member) failure(err error) error {
	var space *datadir.SpaceError
	if explained := m.config.explain(err, false); errors.As(explained, &space) {
		return fmt.Errorf("etcd stopped: %w", explained)
	}
	return fmt.Errorf("etcd in %s stopped: %w", m.config.Dir, err)
}

func (m *Member) finish(err error) {
	m.once.Do(func() {
		m.err = err
		close(m.done)
	})
}

// Endpoints are for etcd's client and for the API server's --etcd-servers.
func (m *Member) Endpoints() []string { return []string{m.at.endpoint()} }

// TLS are the files that a client of Endpoints needs; none for a Unix socket.
func (m *Member) TLS() TLSFiles { return m.config.ClientTLS }

// HTTPSocket is the path of a Unix socket with etcd's /metrics, /health and /version.
func (m *Member) HTTPSocket() string { return m.at.http.Path }

// Done is closed when etcd has ended, whether by Stop or of itself.
func (m *Member) Done() <-chan struct{} { return m.done }

// Err says, after Done, why etcd ended; nil if by Stop.
func (m *Member) Err() error {
	select {
	case <-m.done:
		return m.err
	default:
		return nil
	}
}

// Stop ends etcd in an orderly manner: requests under way get half a second,
// watches are cut, everything acknowledged is on disk. It returns Err. Stop the
// API server first.
func (m *Member) Stop() error {
	select {
	case <-m.done:
		// After a failure etcd's parts wait for one another; there is nothing left to save.
		return m.err
	default:
	}
	m.stopping.Store(true)
	m.stopServers()
	m.etcd.Close()
	m.finish(nil)
	return m.Err()
}

// stopServers cuts connections that would not end by themselves, for which etcd would wait seven seconds.
func (m *Member) stopServers() {
	m.serversMu.Lock()
	defer m.serversMu.Unlock()
	var wg sync.WaitGroup
	for _, s := range m.servers {
		wg.Go(func() {
			cut := time.AfterFunc(stopGrace, s.Stop)
			defer cut.Stop()
			s.GracefulStop()
		})
	}
	wg.Wait()
}
