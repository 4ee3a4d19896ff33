package apiserver

import (
	"context"
	"fmt"
	"io"
	"net/http"

	"golang.org/x/sync/errgroup"
	"k8s.io/client-go/rest"
	aggregatorapiserver "k8s.io/kube-aggregator/pkg/apiserver"
)

// Server is the composed API server, not yet serving.
type Server struct {
	front  *aggregatorapiserver.APIAggregator
	memory *memoryServer
	users  *inProcessUsers
}

// New composes the API server. It connects to etcd but serves nothing yet.
// At most one Server can be made in a process.
func New(ctx context.Context, o Options) (*Server, error) {
	completed, err := complete(ctx, o)
	if err != nil {
		return nil, err
	}
	users, err := newInProcessUsers()
	if err != nil {
		return nil, err
	}
	chain, err := newChain(completed, users)
	if err != nil {
		return nil, err
	}
	front, err := chain.compose()
	if err != nil {
		return nil, err
	}
	if err := addBootstrap(front.GenericAPIServer); err != nil {
		return nil, err
	}
	return &Server{
		front:  front,
		memory: newMemoryServer(front.GenericAPIServer.Handler),
		users:  users,
	}, nil
}

// InProcess returns the configuration with which a role in this process reaches
// the API server as user (SchedulerUser or ControllersUser).
func (s *Server) InProcess(user string) *rest.Config {
	return s.memory.config(s.users.tokens[user])
}

// Handler answers requests as the served API does.
func (s *Server) Handler() http.Handler { return s.front.GenericAPIServer.Handler }

// Ready returns nil once every check of /readyz passes, and what is missing before.
func (s *Server) Ready(ctx context.Context) error {
	client, err := rest.HTTPClientFor(s.InProcess(ControllersUser))
	if err != nil {
		return fmt.Errorf("creating the readiness client: %w", err)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+inProcessHost+"/readyz", nil)
	if err != nil {
		return err
	}
	answer, err := client.Do(req)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if answer.StatusCode == http.StatusOK {
		return nil
	}
	text, err := io.ReadAll(io.LimitReader(answer.Body, 16<<10))
	if err != nil {
		return err
	}
	return fmt.Errorf("readyz: %s", text)
}

// Run serves until ctx ends, then lets requests in flight finish.
func (s *Server) Run(ctx context.Context) error {
	prepared, err := s.front.PrepareRun()
	if err != nil {
		return fmt.Errorf("preparing the API server: %w", err)
	}
	// The in-memory side outlives the TLS side's drain, as controllers write until they are told to stop.
	memoryCtx, stopMemory := context.WithCancel(context.WithoutCancel(ctx))
	var group errgroup.Group
	group.Go(func() error { return s.memory.run(memoryCtx) })
	group.Go(func() error {
		defer stopMemory()
		return prepared.Run(ctx)
	})
	return group.Wait()
}
