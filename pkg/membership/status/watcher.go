package status

import (
	"context"
	"errors"
	"fmt"
	"time"

	clusterv1alpha1 "github.com/karmada-io/karmada/pkg/apis/cluster/v1alpha1"
	apiequality "k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/klog/v2"
	"k8s.io/utils/clock"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"atoll.dev/atoll/pkg/membership/connection"
)

const (
	// inDoubt shortens the probe interval while probes contradict what is reported.
	inDoubt = 5
	// firstSummary is how long the first status of a member may wait for its nodes and pods to be
	// counted, so that it is written once and not twice.
	firstSummary = 500 * time.Millisecond
	// An API's discovery document follows its definition with a delay; followUps look again for it.
	apiDebounce = 200 * time.Millisecond
	// rediscover is how often the member's APIs are listed although nothing told that they changed,
	// rediscoverPartial the same while the list is incomplete.
	rediscover        = 5 * time.Minute
	rediscoverPartial = 30 * time.Second
)

var followUps = []time.Duration{time.Second, 3 * time.Second}

// watcher observes one member. Everything in it belongs to its goroutine, except wake.
type watcher struct {
	name   string
	client client.Client
	pool   *connection.Pool
	opts   Options
	clock  clock.WithTicker
	wake   chan struct{} // holds one pending wake-up

	session   *session
	readiness readiness
	found     found

	nextProbe, nextDiscovery, nextSummary time.Time
	followUps                             []time.Duration
	written                               []metav1.Condition // as last written, since the cache lags
}

// found is what is known of the member. Empty fields are not known, and leave the status as it is.
type found struct {
	health  metav1.Condition
	version string
	apis    apis
}

func newWatcher(name string, c client.Client, pool *connection.Pool, opts Options) *watcher {
	return &watcher{name: name, client: c, pool: pool, opts: opts, clock: opts.Clock, wake: make(chan struct{}, 1),
		readiness: readiness{failureThreshold: opts.FailureThreshold, successThreshold: opts.SuccessThreshold}}
}

// wakeUp makes the watcher look at what is due; it may be called from anywhere and never blocks.
func (w *watcher) wakeUp() {
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

// run observes the member until ctx is done.
func (w *watcher) run(ctx context.Context) {
	defer func() {
		if w.session != nil {
			w.session.close()
		}
	}()
	for {
		due := w.step(ctx)
		timer := w.clock.NewTimer(due.Sub(w.clock.Now()))
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case <-w.wake:
			timer.Stop()
		case <-timer.C():
		}
	}
}

// step does what is due and returns when to come back without being woken:
//
//  1. follow the pool: a replaced connection starts everything anew
//  2. probe, when due
//  3. on a healthy member: its version, its APIs when they may have changed
//  4. write what changed
func (w *watcher) step(ctx context.Context) time.Time {
	cluster := &clusterv1alpha1.Cluster{}
	if err := w.client.Get(ctx, client.ObjectKey{Name: w.name}, cluster); err != nil {
		return w.clock.Now().Add(w.opts.ProbeInterval) // gone, or the control plane is down: nothing to report to
	}
	conn, err := w.pool.For(ctx, w.name)
	if err != nil {
		return w.withoutConnection(ctx, cluster, err)
	}
	w.follow(ctx, conn)
	now := w.clock.Now()
	if !now.Before(w.nextProbe) {
		h := probe(ctx, conn.Kube.Discovery().RESTClient())
		if ctx.Err() != nil {
			return now
		}
		w.found.health = h.condition(w.name)
		if h == healthy {
			w.readVersion()
		}
		w.nextProbe = w.clock.Now().Add(w.opts.ProbeInterval)
	}
	if w.session.bell.heard() {
		w.nextDiscovery, w.followUps = now.Add(apiDebounce), followUps
	}
	if w.found.health.Status == metav1.ConditionTrue {
		w.session.watch(w.clock)
		if !now.Before(w.nextDiscovery) {
			w.discover(conn)
		}
		w.awaitSummary(ctx)
	}
	w.report(ctx, cluster)
	return w.comeBack()
}

// withoutConnection reports a member that cannot even be dialled.
func (w *watcher) withoutConnection(ctx context.Context, cluster *clusterv1alpha1.Cluster, err error) time.Time {
	if w.session != nil {
		w.session.close()
		w.session = nil
	}
	now := w.clock.Now()
	w.nextProbe = now
	unavailable := new(connection.Unavailable)
	if errors.As(err, &unavailable) && (unavailable.Reason == connection.NotJoined || unavailable.Reason == connection.Removed) {
		return now.Add(w.opts.ProbeInterval)
	}
	w.found.health = metav1.Condition{Type: clusterv1alpha1.ClusterConditionReady, Status: metav1.ConditionFalse,
		Reason: ReasonCollectionFailed, Message: fmt.Sprintf("failed to create a ClusterClient: %v", err)}
	w.report(ctx, cluster)
	// A Secret that was written just before its Cluster may reach the cache just after it.
	return now.Add(min(w.opts.ProbeInterval, time.Second))
}

// follow makes the session that of the connection.
func (w *watcher) follow(ctx context.Context, conn *connection.Connection) {
	if w.session != nil && w.session.conn == conn {
		return
	}
	if w.session != nil {
		w.session.close()
	}
	w.session = openSession(ctx, conn, w.opts.Ledgers, w.wakeUp)
	w.nextProbe, w.nextDiscovery, w.followUps = time.Time{}, time.Time{}, nil
}

// readVersion notices an upgrade, which may bring other APIs.
func (w *watcher) readVersion() {
	v, err := w.session.conn.Kube.Discovery().ServerVersion()
	if err == nil && w.found.version != v.GitVersion {
		w.found.version, w.nextDiscovery = v.GitVersion, time.Time{}
	}
}

// awaitSummary waits, once in a session and not for long, until nodes and pods are counted.
func (w *watcher) awaitSummary(ctx context.Context) {
	if w.session.awaited {
		return
	}
	w.session.awaited = true
	deadline := w.clock.NewTimer(firstSummary)
	defer deadline.Stop()
	defer w.wakeUp() // what is swallowed below may have meant something else
	for {
		w.session.moved.Store(false)
		if w.session.ledger.Synced() {
			return
		}
		select {
		case <-w.wake:
		case <-deadline.C():
			return
		case <-ctx.Done():
			return
		}
	}
}

// discover lists the member's APIs. A list that came out empty does not replace one that did not.
func (w *watcher) discover(conn *connection.Connection) {
	a := discover(conn.Kube.Discovery())
	if len(a.enablements) == 0 {
		a.enablements = w.found.apis.enablements
	}
	if !apiequality.Semantic.DeepEqual(a.enablements, w.found.apis.enablements) {
		conn.Mapper.Reset()
	}
	w.found.apis = a
	again := rediscover
	switch {
	case len(w.followUps) > 0:
		again, w.followUps = w.followUps[0], w.followUps[1:]
	case !a.complete():
		again = rediscoverPartial
	}
	w.nextDiscovery = w.clock.Now().Add(again)
}

// report writes the status if it differs, and no oftener than SummaryInterval if only numbers do.
func (w *watcher) report(ctx context.Context, cluster *clusterv1alpha1.Cluster) {
	if w.found.health.Type == "" {
		return
	}
	now := w.clock.Now()
	reported := meta.FindStatusCondition(cluster.Status.Conditions, clusterv1alpha1.ClusterConditionReady)
	if last := meta.FindStatusCondition(w.written, clusterv1alpha1.ClusterConditionReady); last != nil {
		reported = last
	}
	ready, held := w.readiness.adjust(reported, w.found.health, now)
	if held {
		w.nextProbe = minTime(w.nextProbe, now.Add(w.opts.ProbeInterval/inDoubt))
	}
	if w.session != nil && !now.Before(w.nextSummary) {
		w.session.moved.Store(false) // before reading the totals: what moves them from here on wakes us again
	}
	status := w.compose(cluster, ready)
	changed, urgent := difference(&cluster.Status, status)
	if !changed {
		return
	}
	if !urgent && now.Before(w.nextSummary) {
		return // comeBack sees to it
	}
	updated := cluster.DeepCopy()
	updated.Status = *status
	if err := w.client.Status().Patch(ctx, updated, client.MergeFrom(cluster)); err != nil {
		if client.IgnoreNotFound(err) != nil && ctx.Err() == nil {
			klog.FromContext(ctx).Error(err, "Writing the status of a cluster failed", "cluster", w.name)
		}
		w.nextSummary = now.Add(time.Second)
		return
	}
	w.written, w.nextSummary = status.Conditions, now.Add(w.opts.SummaryInterval)
}

// comeBack returns the earliest moment at which something is due.
func (w *watcher) comeBack() time.Time {
	due := w.nextProbe
	if w.found.health.Status == metav1.ConditionTrue {
		due = minTime(due, w.nextDiscovery)
	}
	if now := w.clock.Now(); w.nextSummary.After(now) {
		due = minTime(due, w.nextSummary)
	}
	return due
}

func minTime(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}
