package dispatch

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	workv1alpha1 "github.com/karmada-io/karmada/pkg/apis/work/v1alpha1"
	workv1alpha2 "github.com/karmada-io/karmada/pkg/apis/work/v1alpha2"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"atoll.dev/atoll/apis/karmada/wellknown"
	"atoll.dev/atoll/pkg/propagation/compact"
	"atoll.dev/atoll/pkg/propagation/observe"
	"atoll.dev/atoll/pkg/propagation/settle"
	"atoll.dev/atoll/pkg/propagation/work"
)

// member is one member's share of the dispatcher: its queue holds names of Works in its execution namespace.
type member struct {
	d       *Dispatcher
	cluster string
	queue   *settle.Queue[string]
	stop    context.CancelFunc

	// mu is taken after the dispatcher's, never the other way round.
	mu       sync.Mutex
	observer *observe.Observer
	works    map[string]*known
	// parked are Works that wait for the member to become ready, unseen those that wait for its
	// objects to be seen.
	parked map[string]struct{}
	unseen map[string]struct{}
	// held are Works whose deletion the breaker holds; decided, that it has decided in this process.
	held    map[string]struct{}
	decided bool
	breaker breaker
	count   deletionCount
}

// known is what is remembered of one Work. Only the worker that holds its name in the queue changes
// memories; verdict is guarded by member.mu.
type known struct {
	memories []memory
	contests []contest
	verdict  *Verdict
}

func (m *member) known(name string) *known {
	m.mu.Lock()
	defer m.mu.Unlock()
	k := m.works[name]
	if k == nil {
		k = &known{}
		m.works[name] = k
	}
	return k
}

func (m *member) forget(name string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.works, name)
	delete(m.parked, name)
	delete(m.unseen, name)
	delete(m.held, name)
}

// park puts a Work aside; see wake.
func (m *member) park(set map[string]struct{}, name string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	set[name] = struct{}{}
}

// parkUntil puts a Work aside until a change of its member's state makes enough true.
func (m *member) parkUntil(ctx context.Context, name string, enough func(clusterState) bool) error {
	m.park(m.parked, name)
	state, err := m.d.stateOf(ctx, m.cluster)
	if err == nil && enough(state) { // it changed between being read and waiting for it
		m.wake(m.parked)
	}
	return err
}

// wake queues the Works that were put aside.
func (m *member) wake(set map[string]struct{}) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for name := range set {
		delete(set, name)
		m.queue.Add(name)
	}
}

// Changed implements observe.Listener: the object of a Work is not as it was.
func (m *member) Changed(key types.NamespacedName, old, new *compact.Object) {
	m.d.opts.Reflect(key)
	if old != nil && new != nil && old.SameSpecification(new) {
		return // its status
	}
	m.queue.Add(key.Name)
}

// Synced implements observe.Listener.
func (m *member) Synced(schema.GroupVersionResource) { m.wake(m.unseen) }

// observe returns the observer of the member's present connection.
func (m *member) observe(ctx context.Context) (*observe.Observer, error) {
	conn, err := m.d.opts.Connections.For(ctx, m.cluster)
	if err != nil {
		return nil, err
	}
	lifetime := m.d.lifetime()
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.observer != nil && m.observer.Conn == conn {
		return m.observer, nil
	}
	o := observe.New(lifetime, conn, m)
	m.observer = o
	go func() { // the next connection has everything looked at again
		<-o.Done()
		if lifetime.Err() == nil {
			m.d.enqueueAll(m)
		}
	}()
	return o, nil
}

// reconcile brings one Work into the member.
func (m *member) reconcile(ctx context.Context, name string) (settle.Outcome, error) {
	key := types.NamespacedName{Namespace: wellknown.ExecutionNamespace(m.cluster), Name: name}
	var w workv1alpha1.Work
	err := m.d.opts.Client.Get(ctx, key, &w, client.UnsafeDisableDeepCopy)
	if apierrors.IsNotFound(err) {
		m.forget(name)
		m.d.endIfGone(ctx, m)
		if state, err := m.d.stateOf(ctx, m.cluster); err != nil || !state.held {
			return settle.Outcome{}, err
		}
		return settle.Outcome{}, m.settleHeld(ctx)
	}
	if err != nil {
		return settle.Outcome{}, fmt.Errorf("reading Work %s: %w", key, err)
	}
	state, err := m.d.stateOf(ctx, m.cluster)
	if err != nil {
		return settle.Outcome{}, err
	}
	if state.pull {
		return settle.Outcome{}, nil // its agent does it
	}
	if state.held {
		if err := m.settleHeld(ctx); err != nil {
			return settle.Outcome{}, err
		}
	}
	if !w.DeletionTimestamp.IsZero() {
		return m.finish(ctx, &w, state)
	}
	k := m.known(name)
	verdict := &Verdict{UID: w.UID, Conditions: []metav1.Condition{dispatching(work.Suspended(&w))}}
	if work.Suspended(&w) {
		m.judge(key, k, verdict)
		return settle.Outcome{}, nil
	}
	if !state.exists || !state.ready {
		m.judge(key, k, verdict)
		return settle.Outcome{}, m.parkUntil(ctx, name, func(s clusterState) bool { return s.ready })
	}
	done := m.apply(ctx, &w, k)
	errs := done.errs
	if slices.Contains(errs, errNotYet) {
		m.park(m.unseen, name)
		m.wakeIfSeen()
		return settle.Outcome{}, nil
	}
	if len(errs) > 0 && !slices.ContainsFunc(errs, func(err error) bool { return !passing(err) && !apierrors.IsConflict(err) }) && m.queue.Failures(name) < patience {
		return settle.Outcome{}, errors.Join(errs...)
	}
	verdict.Conditions = append(verdict.Conditions, applied(done.total, errs))
	if c := contested(&w, k.contests); c != nil {
		verdict.Conditions = append(verdict.Conditions, *c)
	}
	m.judge(key, k, verdict)
	for _, found := range done.contested {
		m.announceContest(ctx, &w, found)
	}
	if len(errs) > 0 {
		m.d.opts.Recorder.Eventf(&w, corev1.EventTypeWarning, "SyncFailed",
			"Failed to sync work(%s/%s) to cluster(%s), err: %v", w.Namespace, w.Name, m.cluster, errors.Join(errs...))
		return settle.Outcome{}, errors.Join(errs...)
	}
	if done.wrote {
		m.d.opts.Recorder.Eventf(&w, corev1.EventTypeNormal, "SyncSucceed",
			"Sync work(%s/%s) to cluster(%s) successful.", w.Namespace, w.Name, m.cluster)
	}
	return settle.Outcome{After: done.after}, nil
}

// wakeIfSeen catches the case that the objects were seen between finding that they were not and waiting for them.
func (m *member) wakeIfSeen() {
	m.mu.Lock()
	o := m.observer
	m.mu.Unlock()
	if o != nil && o.AllSynced() {
		m.wake(m.unseen)
	}
}

// judge remembers the verdict and has it written if it says something new.
func (m *member) judge(key types.NamespacedName, k *known, v *Verdict) {
	m.mu.Lock()
	k.verdict = v
	m.mu.Unlock()
	m.d.opts.Reflect(key)
}

// done is what applying a Work came to.
type done struct {
	wrote bool
	total int
	errs  []error
	// contested are manifests whose objects turned out just now to be contested.
	contested []contestedManifest
	// after, if positive, is when to look again although nothing changes.
	after time.Duration
}

type contestedManifest struct {
	manifest
	report string
}

func (d *done) lookAgain(after time.Duration) {
	if after > 0 && (d.after == 0 || after < d.after) {
		d.after = after
	}
}

// apply applies every manifest of a Work; one that fails does not stop the others.
func (m *member) apply(ctx context.Context, w *workv1alpha1.Work, k *known) done {
	d := done{total: len(w.Spec.Workload.Manifests)}
	manifests, err := manifestsOf(w)
	if err != nil {
		d.errs = []error{err}
		return d
	}
	o, err := m.observe(ctx)
	if err != nil {
		d.errs = []error{err}
		return d
	}
	if len(k.memories) != len(manifests) {
		k.memories, k.contests = make([]memory, len(manifests)), make([]contest, len(manifests))
	}
	for i, manifest := range manifests {
		a, err := m.applier(ctx, o, manifest)
		if err != nil {
			d.errs = append(d.errs, err)
			continue
		}
		a.knownBefore = work.Applied(w) != nil
		a.contest, a.now = &k.contests[i], m.d.opts.Clock.Now()
		rec, changed, err := a.apply(ctx, k.memories[i])
		k.memories[i] = rec
		d.wrote = d.wrote || changed
		var held *errContested
		switch {
		case errors.As(err, &held):
			d.lookAgain(held.rest)
			if held.begun {
				d.contested = append(d.contested, contestedManifest{manifest, held.report})
			}
		case err != nil:
			d.errs = append(d.errs, err)
		default:
			d.lookAgain(a.contest.agreed(a.now))
		}
	}
	return d
}

// applier resolves a manifest's kind in the member and makes sure that we may write and watch it.
func (m *member) applier(ctx context.Context, o *observe.Observer, manifest manifest) (applier, error) {
	gvk := manifest.GroupVersionKind()
	mapping, err := o.Conn.Mapper.RESTMapping(gvk.GroupKind(), gvk.Version)
	if err != nil {
		return applier{}, fmt.Errorf("cluster %s: %w", m.cluster, err)
	}
	if err := o.Conn.Grant(ctx, mapping.Resource); err != nil {
		return applier{}, err
	}
	o.Watch(mapping.Resource)
	return applier{observer: o, hooks: m.d.opts.Interpreter.Hooks(gvk), gvr: mapping.Resource, manifest: manifest}, nil
}

// observed returns the objects that belong to a Work in the member, by manifest; nil where there is none.
func (m *member) observed(w *workv1alpha1.Work) []*compact.Object {
	m.mu.Lock()
	o := m.observer
	m.mu.Unlock()
	if o == nil {
		return nil
	}
	refs := work.References(w)
	objs := make([]*compact.Object, len(refs))
	for i, ref := range refs {
		mapping, err := o.Conn.Mapper.RESTMapping(ref.GroupKind(), ref.Version)
		if err != nil {
			continue
		}
		obj, ok := o.Get(mapping.Resource, ref.NamespacedName)
		if ok && obj.Annotations[workv1alpha2.WorkNameAnnotation] == w.Name {
			objs[i] = obj
		}
	}
	return objs
}
