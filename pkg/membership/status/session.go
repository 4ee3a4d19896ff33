package status

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	clusterv1alpha1 "github.com/karmada-io/karmada/pkg/apis/cluster/v1alpha1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/metadata"
	"k8s.io/client-go/tools/cache"
	"k8s.io/utils/clock"

	"atoll.dev/atoll/pkg/membership/capacity"
	"atoll.dev/atoll/pkg/membership/connection"
	"atoll.dev/atoll/pkg/membership/views"
)

// session is what a watcher keeps going over one connection. It ends with the connection.
type session struct {
	conn    *connection.Connection
	ledgers *views.Ledgers
	// ledger is nil until watch.
	ledger *capacity.Ledger
	// moved is set when the totals moved since the watcher last took them up. It keeps a member
	// with busy pods from waking its watcher at each of them.
	moved atomic.Bool
	// awaited is the watcher's: it has waited for the first totals.
	awaited bool
	// bell rings when the member's APIs may have changed.
	bell *bell

	wake   func()
	cancel context.CancelFunc
	ctx    context.Context
	wg     sync.WaitGroup
	// release gives the ledger up.
	release func()
}

// openSession binds a session to a connection. wake is called when something happened: the
// connection ended, the totals moved, an API came or went.
func openSession(ctx context.Context, conn *connection.Connection, ledgers *views.Ledgers, wake func()) *session {
	ctx, cancel := context.WithCancel(ctx)
	s := &session{conn: conn, ledgers: ledgers, ctx: ctx, cancel: cancel, wake: wake, bell: &bell{ring: wake}, release: func() {}}
	s.wg.Go(func() {
		select {
		case <-conn.Done:
			cancel()
			wake()
		case <-ctx.Done():
		}
	})
	return s
}

// watch starts, once, the watches on the member. The watcher does so at the first successful
// probe: a dead member is probed, not besieged.
func (s *session) watch(clk clock.Clock) {
	if s.ledger != nil {
		return
	}
	ledger, release := s.ledgers.Hold(s.ctx, s.conn)
	quiet := ledger.OnTotals(func() {
		if !s.moved.Swap(true) {
			s.wake()
		}
	})
	s.ledger, s.release = ledger, func() {
		quiet()
		release()
	}
	for _, gvr := range apiSources {
		s.wg.Go(func() { s.bell.follow(s.ctx, s.conn, gvr, clk) })
	}
}

// summary returns the totals, or nils as long as they are not known.
func (s *session) summary() (*clusterv1alpha1.NodeSummary, *clusterv1alpha1.ResourceSummary) {
	if s.ledger == nil {
		return nil, nil
	}
	return s.ledger.Summary()
}

// close ends the session and waits for its goroutines.
func (s *session) close() {
	s.cancel()
	s.release()
	s.wg.Wait()
}

// apiSources are the kinds whose changes change what a member serves.
var apiSources = []schema.GroupVersionResource{
	{Group: "apiextensions.k8s.io", Version: "v1", Resource: "customresourcedefinitions"},
	{Group: "apiregistration.k8s.io", Version: "v1", Resource: "apiservices"},
}

// bell tells that the member's APIs may have changed.
type bell struct {
	ring func()

	mu   sync.Mutex
	rung bool
}

// heard tells whether the bell rang since it was last asked.
func (b *bell) heard() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	was := b.rung
	b.rung = false
	return was
}

func (b *bell) strike() error {
	b.mu.Lock()
	b.rung = true
	b.mu.Unlock()
	b.ring()
	return nil
}

// rope is the end of a reflector that keeps nothing and pulls the bell at each change. The first
// list is no change: the watcher discovers the member at that time anyway.
type rope struct {
	*bell
	listed bool
}

func (r *rope) Add(any) error    { return r.strike() }
func (r *rope) Update(any) error { return r.strike() }
func (r *rope) Delete(any) error { return r.strike() }
func (r *rope) Resync() error    { return nil }
func (r *rope) Replace([]any, string) error {
	if !r.listed {
		r.listed = true
		return nil
	}
	return r.strike()
}

// follow rings the bell at every change of the resource, until ctx is done.
func (b *bell) follow(ctx context.Context, conn *connection.Connection, gvr schema.GroupVersionResource, clk clock.Clock) {
	client, err := metadata.NewForConfig(conn.Config)
	if err != nil {
		return // the configuration served for the other clients already
	}
	resource := client.Resource(gvr)
	lw := &cache.ListWatch{
		ListWithContextFunc: func(ctx context.Context, o metav1.ListOptions) (runtime.Object, error) {
			return resource.List(ctx, o)
		},
		WatchFuncWithContext: func(ctx context.Context, o metav1.ListOptions) (watch.Interface, error) {
			return resource.Watch(ctx, o)
		},
	}
	cache.NewReflectorWithOptions(lw, &metav1.PartialObjectMetadata{}, &rope{bell: b}, cache.ReflectorOptions{
		Name: "apis/" + gvr.Resource, Clock: clk, MinWatchTimeout: 10 * time.Minute,
	}).RunWithContext(capacity.Quiet(ctx))
}
