package views

import (
	"context"
	"sync"
	"time"

	clusterv1alpha1 "github.com/karmada-io/karmada/pkg/apis/cluster/v1alpha1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/klog/v2"
	"k8s.io/utils/clock"
	"sigs.k8s.io/controller-runtime/pkg/manager"

	"atoll.dev/atoll/pkg/membership/capacity"
	"atoll.dev/atoll/pkg/membership/connection"
)

// Options are the knobs of a Follower; zero values give the defaults.
type Options struct {
	// Pace is the least time between two views of a member. The first change after a pause is told
	// at once. Default 200ms.
	Pace time.Duration
	// Keep is how long a member that is not Ready keeps its last view: long enough to outlive an
	// upgrade of its API server, after which nobody has an idea what runs there. Default 5m.
	Keep time.Duration
	// Clock defaults to the real one.
	Clock clock.WithTicker
}

func (o *Options) setDefaults() {
	if o.Pace <= 0 {
		o.Pace = 200 * time.Millisecond
	}
	if o.Keep <= 0 {
		o.Keep = 5 * time.Minute
	}
	if o.Clock == nil {
		o.Clock = clock.RealClock{}
	}
}

// Follower tells of the views of all push members, one goroutine a member.
type Follower struct {
	pool    *connection.Pool
	ledgers *Ledgers
	opts    Options

	// observers are complete before the start.
	observers []func(cluster string, v *capacity.View)

	started chan struct{} // closed when ctx is set
	ctx     context.Context

	// mu guards the fields below. It is not held while a member is followed.
	mu      sync.Mutex
	members map[string]*running
	// ending is set from when on no member is started.
	ending bool
	wg     sync.WaitGroup
}

var _ capacity.Source = &Follower{}

type running struct {
	*member
	// uid is that of the Cluster, empty once it is not to be followed any more.
	uid    types.UID
	cancel context.CancelFunc
	ended  chan struct{}
}

// Follow adds a follower of all members to the manager. It works from the manager's start, once
// that leads, to its end.
func Follow(mgr manager.Manager, pool *connection.Pool, ledgers *Ledgers, opts Options) (*Follower, error) {
	opts.setDefaults()
	f := &Follower{pool: pool, ledgers: ledgers, opts: opts, started: make(chan struct{}), members: map[string]*running{}}
	if err := mgr.Add(f); err != nil {
		return nil, err
	}
	return f, watchClusters(mgr, f)
}

// Subscribe implements capacity.Source. It must not be called after the manager's start.
func (f *Follower) Subscribe(observe func(cluster string, v *capacity.View)) {
	f.observers = append(f.observers, observe)
}

// Start implements manager.Runnable.
func (f *Follower) Start(ctx context.Context) error {
	f.ctx = ctx
	close(f.started)
	<-ctx.Done()
	f.mu.Lock()
	f.ending = true
	f.mu.Unlock()
	f.wg.Wait()
	return nil
}

// observe takes in a Cluster that is to be followed.
func (f *Follower) observe(ctx context.Context, cluster *clusterv1alpha1.Cluster) error {
	select {
	case <-f.started:
	case <-ctx.Done():
		return ctx.Err()
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.ending {
		return context.Canceled
	}
	r := f.members[cluster.Name]
	if r == nil || r.uid != cluster.UID {
		r = f.start(ctx, cluster, r)
		f.members[cluster.Name] = r
	}
	r.setReadiness(readinessOf(cluster))
	return nil
}

// start follows a member, after its predecessor of the same name, if any, has told its last. mu is held.
func (f *Follower) start(ctx context.Context, cluster *clusterv1alpha1.Cluster, before *running) *running {
	name := cluster.Name
	memberCtx, cancel := context.WithCancel(klog.NewContext(f.ctx, klog.FromContext(ctx)))
	r := &running{uid: cluster.UID, cancel: cancel, ended: make(chan struct{}), member: &member{
		name: name, pool: f.pool, ledgers: f.ledgers, opts: f.opts, wake: make(chan struct{}, 1),
		publish: func(v *capacity.View) {
			for _, observe := range f.observers {
				observe(name, v)
			}
		},
	}}
	f.wg.Go(func() {
		defer close(r.ended)
		if before != nil {
			before.cancel()
			<-before.ended
		}
		r.run(memberCtx)
		f.mu.Lock()
		defer f.mu.Unlock()
		if f.members[name] == r {
			delete(f.members, name)
		}
	})
	return r
}

// forget ends following a member, without waiting for it.
func (f *Follower) forget(name string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if r := f.members[name]; r != nil {
		r.uid = "" // it stays until it has told its last, which a successor waits for
		r.cancel()
	}
}
