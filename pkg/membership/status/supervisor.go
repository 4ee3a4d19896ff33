package status

import (
	"context"
	"sync"

	"k8s.io/apimachinery/pkg/types"
	"k8s.io/klog/v2"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"atoll.dev/atoll/pkg/membership/connection"
)

// supervisor runs one watcher a member. It is a manager's runnable: watchers live until the
// manager ends, and the manager's end waits for them.
type supervisor struct {
	client client.Client
	pool   *connection.Pool
	opts   Options

	started chan struct{} // closed when ctx is set
	ctx     context.Context

	// mu guards watchers. It is not held while a watcher works.
	mu       sync.Mutex
	watchers map[string]*running
	wg       sync.WaitGroup
}

type running struct {
	uid    types.UID
	cancel context.CancelFunc
	ended  chan struct{}
	wake   func()
}

func newSupervisor(c client.Client, pool *connection.Pool, opts Options) *supervisor {
	return &supervisor{client: c, pool: pool, opts: opts, started: make(chan struct{}), watchers: map[string]*running{}}
}

// Start implements manager.Runnable.
func (s *supervisor) Start(ctx context.Context) error {
	s.ctx = ctx
	close(s.started)
	<-ctx.Done()
	s.wg.Wait()
	return nil
}

// ensure starts the member's watcher or, if it runs already, makes it look at once.
// A Cluster that was deleted and made again gets a new one.
func (s *supervisor) ensure(ctx context.Context, name string, uid types.UID) error {
	select {
	case <-s.started:
	case <-ctx.Done():
		return ctx.Err()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if r, ok := s.watchers[name]; ok {
		if r.uid == uid {
			r.wake()
			return nil
		}
		r.cancel()
		delete(s.watchers, name)
	}
	if s.ctx.Err() != nil {
		return s.ctx.Err()
	}
	watcherCtx, cancel := context.WithCancel(klog.NewContext(s.ctx, klog.FromContext(ctx)))
	w := newWatcher(name, s.client, s.pool, s.opts)
	s.watchers[name] = &running{uid: uid, cancel: cancel, ended: make(chan struct{}), wake: w.wakeUp}
	ended := s.watchers[name].ended
	s.wg.Go(func() {
		defer close(ended)
		w.run(watcherCtx)
	})
	return nil
}

// stop ends the member's watcher, if any, without waiting for it: it may be stuck in a request.
func (s *supervisor) stop(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if r, ok := s.watchers[name]; ok {
		r.cancel()
		delete(s.watchers, name)
	}
}
