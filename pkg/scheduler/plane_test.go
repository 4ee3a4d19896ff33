package scheduler

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/uuid"
	"k8s.io/client-go/tools/record"
	"k8s.io/client-go/util/workqueue"
	testclock "k8s.io/utils/clock/testing"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/handler"

	clusterv1alpha1 "github.com/karmada-io/karmada/pkg/apis/cluster/v1alpha1"
	workv1alpha2 "github.com/karmada-io/karmada/pkg/apis/work/v1alpha2"

	"atoll.dev/atoll/apis/scheduling/decision"
	"atoll.dev/atoll/pkg/scheduler/binding"
)

// plane is a control plane in memory with one scheduler, whose watches deliver and
// whose queue is worked off only when a test says so.
type plane struct {
	t      *testing.T
	client client.WithWatch
	clock  *testclock.FakePassiveClock
	// patches are the bodies of the patches that were sent, those of the status under key status.
	patches []map[string]any
	// inOne has the API server take decisions in one transaction, as Atoll's does.
	inOne bool
	// taken are those that it took.
	taken []*decision.Decision
	// failStatus makes the next write of a status fail.
	failStatus bool
	// loseAnswer makes the next write of a spec fail after it was done.
	loseAnswer bool
	// beforePatch is called before each patch.
	beforePatch func()

	scheduler *Scheduler
	alarm     *alarm
	queue     queue
	events    *record.FakeRecorder
	delivered map[string]client.Object
	// timers are when bindings asked to be looked at again.
	timers map[binding.Key]time.Time
}

func newPlane(t *testing.T, objects ...client.Object) *plane {
	t.Helper()
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{clusterv1alpha1.AddToScheme, workv1alpha2.AddToScheme} {
		if err := add(scheme); err != nil {
			t.Fatal(err)
		}
	}
	p := &plane{t: t, clock: testclock.NewFakePassiveClock(time.Unix(1_700_000_000, 0))}
	p.client = fake.NewClientBuilder().WithScheme(scheme).
		WithStatusSubresource(&workv1alpha2.ResourceBinding{}, &workv1alpha2.ClusterResourceBinding{}).
		WithInterceptorFuncs(interceptor.Funcs{Patch: p.patch, SubResourcePatch: p.patchStatus}).
		Build()
	for _, o := range objects {
		p.create(o)
	}
	p.restart()
	return p
}

// patch is a patch of the spec; it counts generations, which the fake client does not.
func (p *plane) patch(ctx context.Context, c client.WithWatch, o client.Object, patch client.Patch, opts ...client.PatchOption) error {
	p.record(o, patch)
	before := binding.New(binding.KeyOf(o))
	if err := c.Get(ctx, client.ObjectKeyFromObject(o), before.Object); err != nil {
		return err
	}
	if err := c.Patch(ctx, o, patch, opts...); err != nil {
		return err
	}
	if equality.Semantic.DeepEqual(before.Spec, binding.Of(o).Spec) {
		return nil
	}
	o.SetGeneration(o.GetGeneration() + 1)
	if err := c.Update(ctx, o); err != nil {
		return err
	}
	if p.loseAnswer {
		p.loseAnswer = false
		return errors.New("the API server went away")
	}
	return nil
}

func (p *plane) patchStatus(ctx context.Context, c client.Client, _ string, o client.Object, patch client.Patch, opts ...client.SubResourcePatchOption) error {
	p.record(o, patch)
	if p.failStatus {
		p.failStatus = false
		return errors.New("the API server went away")
	}
	return c.Status().Patch(ctx, o, patch, opts...)
}

func (p *plane) record(o client.Object, patch client.Patch) {
	if p.beforePatch != nil {
		p.beforePatch()
	}
	body, err := patch.Data(o)
	if err != nil {
		p.t.Fatal(err)
	}
	var fields map[string]any
	if err := json.Unmarshal(body, &fields); err != nil {
		p.t.Fatal(err)
	}
	p.patches = append(p.patches, fields)
}

// restart replaces the scheduler by one that has seen nothing, and delivers everything to it.
func (p *plane) restart(options ...func(*Options)) {
	p.t.Helper()
	o := Options{Clock: p.clock}
	for _, alter := range options {
		alter(&o)
	}
	o, err := o.complete()
	if err != nil {
		p.t.Fatal(err)
	}
	p.events = record.NewFakeRecorder(100)
	if p.scheduler, err = newScheduler(p.t.Context(), o, p.client, p.client, p, p.events); err != nil {
		p.t.Fatal(err)
	}
	p.alarm = p.scheduler.alarm
	p.queue = workqueue.NewTypedRateLimitingQueue(workqueue.DefaultTypedControllerRateLimiter[binding.Key]())
	p.delivered = map[string]client.Object{}
	p.timers = map[binding.Key]time.Time{}
	p.patches, p.taken = nil, nil
	p.deliver()
}

// apply does what the API server does with a decision.
func (p *plane) apply(ctx context.Context, key binding.Key, d *decision.Decision) (*decision.Outcome, error) {
	if !p.inOne {
		return nil, errUnserved
	}
	p.t.Helper()
	if p.beforePatch != nil {
		p.beforePatch()
	}
	p.taken = append(p.taken, d)
	if errs := d.Validate(); len(errs) > 0 {
		p.t.Errorf("an invalid decision: %v", errs.ToAggregate())
	}
	b := binding.New(key)
	if err := p.client.Get(ctx, client.ObjectKey(key), b.Object); err != nil {
		return nil, err
	}
	outcome := &decision.Outcome{BasedOn: b.Object.GetResourceVersion()}
	if err := d.Basis.Stale(b.Object, b.Status); err != nil {
		return nil, apierrors.NewConflict(workv1alpha2.Resource("resourcebindings"), key.Name, err)
	}
	p.alter(key, func(b *binding.Binding) { d.Apply(b.Object, b.Spec, b.Status) })
	b = p.get(key)
	outcome.Generation, outcome.ResourceVersion = b.Object.GetGeneration(), b.Object.GetResourceVersion()
	return outcome, nil
}

// deliver tells the scheduler of everything that changed, clusters first, and lets it queue what that concerns.
func (p *plane) deliver() {
	p.t.Helper()
	present := map[string]bool{}
	deliverKind(p, &clusterv1alpha1.ClusterList{}, clusterEvents(p.scheduler, p.alarm), present)
	deliverKind(p, &workv1alpha2.ResourceBindingList{}, bindingEvents[*workv1alpha2.ResourceBinding](p.scheduler), present)
	deliverKind(p, &workv1alpha2.ClusterResourceBindingList{}, bindingEvents[*workv1alpha2.ClusterResourceBinding](p.scheduler), present)
	p.scheduler.queueConcerned(p.t.Context(), p.alarm.take(), p.queue)
	p.scheduler.queueFreed(p.queue)
}

func deliverKind[T client.Object](p *plane, list client.ObjectList, h funcs[T], present map[string]bool) {
	p.t.Helper()
	if err := p.client.List(p.t.Context(), list); err != nil {
		p.t.Fatal(err)
	}
	objects, err := meta.ExtractList(list)
	if err != nil {
		p.t.Fatal(err)
	}
	for _, o := range objects {
		object := o.(T)
		id := idOf(object)
		present[id] = true
		before, known := p.delivered[id]
		p.delivered[id] = object
		switch {
		case !known:
			h.Create(p.t.Context(), event.TypedCreateEvent[T]{Object: object}, p.queue)
		case before.GetResourceVersion() != object.GetResourceVersion():
			h.Update(p.t.Context(), event.TypedUpdateEvent[T]{ObjectOld: before.(T), ObjectNew: object}, p.queue)
		}
	}
	for id, o := range p.delivered {
		if object, same := o.(T); same && !present[id] {
			delete(p.delivered, id)
			h.Delete(p.t.Context(), event.TypedDeleteEvent[T]{Object: object}, p.queue)
		}
	}
}

// settle works off the queue, delivering after each decision, until nothing is left to do.
func (p *plane) settle() {
	p.t.Helper()
	p.deliver()
	for range 100 {
		if p.queue.Len() == 0 {
			return
		}
		key, _ := p.queue.Get()
		result, err := p.scheduler.Reconcile(p.t.Context(), key)
		p.queue.Done(key)
		if err != nil {
			p.t.Fatalf("deciding %s: %v", key, err)
		}
		delete(p.timers, key)
		if result.RequeueAfter > 0 {
			p.timers[key] = p.clock.Now().Add(result.RequeueAfter)
		}
		p.deliver()
	}
	p.t.Fatal("the scheduler does not come to rest")
}

// pass lets time pass, and settles what that brings.
func (p *plane) pass(d time.Duration) {
	p.t.Helper()
	p.clock.SetTime(p.clock.Now().Add(d))
	p.scheduler.claims.Sweep(p.scheduler.bindings)
	for key, at := range p.timers {
		if !at.After(p.clock.Now()) {
			p.queue.Add(key)
		}
	}
	p.settle()
}

func (p *plane) create(o client.Object) {
	p.t.Helper()
	if o.GetUID() == "" {
		o.SetUID(uuid.NewUUID())
	}
	if err := p.client.Create(p.t.Context(), o); err != nil {
		p.t.Fatal(err)
	}
}

func (p *plane) delete(o client.Object) {
	p.t.Helper()
	if err := p.client.Delete(p.t.Context(), o); err != nil {
		p.t.Fatal(err)
	}
}

// get returns the binding as the API server has it.
func (p *plane) get(key binding.Key) *binding.Binding {
	p.t.Helper()
	b := binding.New(key)
	if err := p.client.Get(p.t.Context(), client.ObjectKey(key), b.Object); err != nil {
		p.t.Fatal(err)
	}
	return b
}

// alter changes a binding as its other writers do.
func (p *plane) alter(key binding.Key, change func(*binding.Binding)) {
	p.t.Helper()
	b := p.get(key)
	before, generation := b.Spec.DeepCopy(), b.Object.GetGeneration()
	change(b)
	if !equality.Semantic.DeepEqual(before, b.Spec) {
		b.Object.SetGeneration(generation + 1)
	}
	status := *b.Status.DeepCopy()
	if err := p.client.Update(p.t.Context(), b.Object); err != nil {
		p.t.Fatal(err)
	}
	*b.Status = status
	if err := p.client.Status().Update(p.t.Context(), b.Object); err != nil {
		p.t.Fatal(err)
	}
}

// alterCluster changes a cluster.
func (p *plane) alterCluster(name string, change func(*clusterv1alpha1.Cluster)) {
	p.t.Helper()
	c := &clusterv1alpha1.Cluster{}
	if err := p.client.Get(p.t.Context(), client.ObjectKey{Name: name}, c); err != nil {
		p.t.Fatal(err)
	}
	change(c)
	if err := p.client.Update(p.t.Context(), c); err != nil {
		p.t.Fatal(err)
	}
}

// wants fails the test unless the binding is placed as summary writes it.
func (p *plane) wants(key binding.Key, want string) {
	p.t.Helper()
	if got := summary(p.get(key).Spec.Clusters); got != want {
		p.t.Errorf("%s is placed on %q, want %q", key, got, want)
	}
}

// wantsScheduled fails the test unless the binding's condition is this.
func (p *plane) wantsScheduled(key binding.Key, status metav1.ConditionStatus, reason, message string) {
	p.t.Helper()
	c := meta.FindStatusCondition(p.get(key).Status.Conditions, workv1alpha2.Scheduled)
	if c == nil {
		p.t.Errorf("%s has no condition Scheduled", key)
	} else if c.Status != status || c.Reason != reason || c.Message != message {
		p.t.Errorf("%s is Scheduled=%s %s %q, want %s %s %q", key, c.Status, c.Reason, c.Message, status, reason, message)
	}
}

// announced returns the events so far.
func (p *plane) announced() []string {
	var events []string
	for {
		select {
		case e := <-p.events.Events:
			events = append(events, e)
		default:
			slices.Sort(events)
			return events
		}
	}
}

// queued tells whether a binding waits for a decision.
func (p *plane) queued() bool { return p.queue.Len() > 0 }

type funcs[T client.Object] = handler.TypedFuncs[T, binding.Key]

func idOf(o client.Object) string { return fmt.Sprintf("%T %s", o, binding.KeyOf(o)) }
