package match

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	policyv1alpha1 "github.com/karmada-io/karmada/pkg/apis/policy/v1alpha1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/dynamic"
	toolscache "k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/record"
	"k8s.io/klog/v2"
	"k8s.io/utils/clock"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"atoll.dev/atoll/pkg/propagation/compact"
	"atoll.dev/atoll/pkg/propagation/interpret"
	"atoll.dev/atoll/pkg/propagation/settle"
	"atoll.dev/atoll/pkg/propagation/templates"
	"atoll.dev/atoll/pkg/propagation/twin"
)

// Options of a Matcher. All fields but Workers and Clock are required.
type Options struct {
	// Cache and Client of the control plane; the client reads from the cache.
	Cache  cache.Cache
	Client client.Client
	// Dynamic writes claims on templates.
	Dynamic     dynamic.Interface
	Templates   *templates.Store
	Interpreter interpret.Interpreter
	Recorder    record.EventRecorder
	// Workers is how many templates are looked at at a time. Default 8.
	Workers int
	// Clock defaults to the real one.
	Clock clock.WithTicker
}

// Matcher is the controller. It implements manager.Runnable.
type Matcher struct {
	opts     Options
	policies *index
	queue    *settle.Queue[templates.Key]
	released *settle.Queue[types.NamespacedName]

	mu sync.Mutex
	// byPolicy holds templates that are queued because of a policy and not for a change of their
	// own: a lazy policy does not touch those.
	byPolicy map[templates.Key]struct{}
	// claims are our own writes to templates: their events say nothing new.
	claims map[templates.Key]*ownWrite
}

// ownWrite is a write whose event and whose answer may come in either order.
type ownWrite struct {
	// answered is the resourceVersion of the answer, "" while it is awaited.
	answered string
	// seen are the versions of events that came while the answer was awaited.
	seen []string
}

// New returns a matcher that listens to the template store.
func New(opts Options) *Matcher {
	if opts.Workers == 0 {
		opts.Workers = 8
	}
	if opts.Clock == nil {
		opts.Clock = clock.RealClock{}
	}
	m := &Matcher{
		opts: opts, policies: newIndex(),
		queue:    settle.New[templates.Key](settle.Options{Name: "match", Clock: opts.Clock}),
		released: settle.New[types.NamespacedName](settle.Options{Name: "release", Clock: opts.Clock}),
		byPolicy: map[templates.Key]struct{}{}, claims: map[templates.Key]*ownWrite{},
	}
	opts.Templates.OnChange(m.templateChanged)
	return m
}

// Start runs until ctx ends.
func (m *Matcher) Start(ctx context.Context) error {
	ctx = klog.NewContext(ctx, klog.FromContext(ctx).WithName("match"))
	if err := m.listen(ctx); err != nil {
		return err
	}
	var group sync.WaitGroup
	group.Go(func() { m.queue.Run(ctx, m.opts.Workers, m.reconcile) })
	group.Go(func() { m.released.Run(ctx, 2, m.release) })
	group.Wait()
	return nil
}

func (m *Matcher) listen(ctx context.Context) error {
	for _, namespace := range []string{"", "any"} {
		for obj, handler := range map[client.Object]toolscache.ResourceEventHandler{
			twin.NewPolicy(namespace).Object:  onEach(func(old, new client.Object) { m.policyChanged(old, new) }),
			twin.NewBinding(namespace).Object: onEach(func(old, new client.Object) { m.bindingChanged(old, new) }),
		} {
			informer, err := m.opts.Cache.GetInformer(ctx, obj)
			if err != nil {
				return fmt.Errorf("watching %T: %w", obj, err)
			}
			registration, err := informer.AddEventHandler(handler)
			if err != nil {
				return fmt.Errorf("watching %T: %w", obj, err)
			}
			// Policies must be known before templates are looked at, or a claim would look orphaned.
			if !toolscache.WaitForCacheSync(ctx.Done(), registration.HasSynced) {
				return ctx.Err()
			}
		}
	}
	return nil
}

// onEach turns informer events into pairs of which one side may be nil.
func onEach(f func(old, new client.Object)) toolscache.ResourceEventHandler {
	return toolscache.ResourceEventHandlerFuncs{
		AddFunc:    func(obj any) { f(nil, obj.(client.Object)) },
		UpdateFunc: func(old, new any) { f(old.(client.Object), new.(client.Object)) },
		DeleteFunc: func(obj any) {
			if t, ok := obj.(toolscache.DeletedFinalStateUnknown); ok {
				obj = t.Obj
			}
			if o, ok := obj.(client.Object); ok {
				f(o, nil)
			}
		},
	}
}

func (m *Matcher) templateChanged(old, new *compact.Object) {
	if new == nil {
		key := templates.KeyOf(old)
		m.mu.Lock()
		delete(m.claims, key)
		delete(m.byPolicy, key)
		m.mu.Unlock()
		m.policyMayBeFree(old)
		return
	}
	key := templates.KeyOf(new)
	if old != nil && old.SameSpecification(new) {
		return // status
	}
	m.mu.Lock()
	write, ours := m.claims[key], false
	switch {
	case write != nil && write.answered == "":
		write.seen = append(write.seen, new.ResourceVersion)
		ours = true // decided when the answer is here
	case write != nil:
		ours = write.answered == new.ResourceVersion
		delete(m.claims, key)
	}
	if !ours {
		delete(m.byPolicy, key)
	}
	m.mu.Unlock()
	m.policyMayBeFree(old)
	if !ours {
		m.queue.Add(key)
	}
}

// beginClaim announces a write to a template; the function that it returns takes the resourceVersion
// that the template got by it, "" if the write failed.
func (m *Matcher) beginClaim(key templates.Key) (answered func(version string)) {
	write := &ownWrite{}
	m.mu.Lock()
	m.claims[key] = write
	m.mu.Unlock()
	return func(version string) {
		m.mu.Lock()
		others := slices.ContainsFunc(write.seen, func(v string) bool { return v != version })
		delete(m.claims, key)
		if version != "" && len(write.seen) == 0 {
			write.answered = version
			m.claims[key] = write
		}
		m.mu.Unlock()
		if others {
			m.queue.Add(key)
		}
	}
}

// policyMayBeFree looks at a policy that waits for its last template to go.
func (m *Matcher) policyMayBeFree(was *compact.Object) {
	if was == nil {
		return
	}
	claim := twin.ClaimOn(was.Labels, was.Annotations)
	if p := m.policies.get(claim.Policy); p != nil && !p.GetDeletionTimestamp().IsZero() {
		m.released.Add(claim.Policy)
	}
}

func (m *Matcher) policyChanged(old, new client.Object) {
	var before *indexed
	if old != nil {
		before = m.policies.get(client.ObjectKeyFromObject(old))
	}
	if new == nil {
		m.policies.delete(client.ObjectKeyFromObject(old))
		if before != nil {
			m.enqueueFor(before, false)
		}
		return
	}
	p := m.policies.set(twin.PolicyOf(new))
	if !p.GetDeletionTimestamp().IsZero() {
		m.released.Add(p.Key())
		return
	}
	if old != nil && old.GetGeneration() == new.GetGeneration() && old.GetLabels()[permanentIDLabel(p)] == p.PermanentID() {
		return
	}
	if before != nil && before.Priority() > p.Priority() {
		m.enqueueFor(before, false)
	}
	m.enqueueFor(p, true)
}

func permanentIDLabel(p *indexed) string {
	if p.ClusterScoped() {
		return policyv1alpha1.ClusterPropagationPolicyPermanentIDLabel
	}
	return policyv1alpha1.PropagationPolicyPermanentIDLabel
}

// enqueueFor has the templates looked at that a policy claims and, if selected, those it selects.
func (m *Matcher) enqueueFor(p *indexed, selected bool) {
	for _, t := range m.opts.Templates.ClaimedBy(p.PermanentID()) {
		m.enqueueByPolicy(templates.KeyOf(t))
	}
	if !selected {
		return
	}
	for _, s := range p.selectors {
		if s.name != "" {
			m.enqueueNamed(s)
			continue
		}
		wanted := s.labels
		if wanted == nil {
			wanted = labels.Everything()
		}
		m.opts.Templates.Each(s.kind, s.namespace, wanted, func(t *compact.Object) { m.enqueueByPolicy(templates.KeyOf(t)) })
	}
}

func (m *Matcher) enqueueNamed(s selector) {
	if s.namespace == "" {
		if r, ok := m.opts.Templates.Resource(s.kind); ok && r.Namespaced { // one name in any namespace
			m.opts.Templates.Each(s.kind, "", labels.Everything(), func(t *compact.Object) {
				if t.Name == s.name {
					m.enqueueByPolicy(templates.KeyOf(t))
				}
			})
			return
		}
	}
	key := templates.Key{GroupVersionKind: s.kind, NamespacedName: types.NamespacedName{Namespace: s.namespace, Name: s.name}}
	if _, ok := m.opts.Templates.Get(key); ok {
		m.enqueueByPolicy(key)
	}
}

func (m *Matcher) enqueueByPolicy(key templates.Key) {
	m.mu.Lock()
	m.byPolicy[key] = struct{}{}
	m.mu.Unlock()
	m.queue.Add(key)
}

// bindingChanged heals bindings that others changed or deleted. What the scheduler and the status
// aggregator write is not ours and nothing to look at.
func (m *Matcher) bindingChanged(old, new client.Object) {
	changed := new
	if new == nil {
		changed = old
	} else if old == nil {
		return // the template's own event has it looked at
	}
	b := twin.BindingOf(changed)
	if new != nil && ours(twin.BindingOf(old), b) {
		return
	}
	ref := b.Spec.Resource
	key := templates.Key{
		GroupVersionKind: schema.FromAPIVersionAndKind(ref.APIVersion, ref.Kind),
		NamespacedName:   types.NamespacedName{Namespace: ref.Namespace, Name: ref.Name},
	}
	if _, ok := m.opts.Templates.Get(key); ok {
		m.queue.Add(key)
	}
}

// becauseOfPolicy tells, and forgets, whether only policies had the template queued.
func (m *Matcher) becauseOfPolicy(key templates.Key) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	_, ok := m.byPolicy[key]
	delete(m.byPolicy, key)
	return ok
}

// reconcile brings one template's claim and binding to what the policies say.
func (m *Matcher) reconcile(ctx context.Context, key templates.Key) (settle.Outcome, error) {
	byPolicy := m.becauseOfPolicy(key)
	t, ok := m.opts.Templates.Get(key)
	if !ok || !t.DeletionTimestamp.IsZero() {
		return settle.Outcome{}, nil // the garbage collector takes the binding
	}
	if t.Labels[claimedByLabel] != "" {
		return settle.Outcome{}, nil // somebody else propagates it
	}
	claim := twin.ClaimOn(t.Labels, t.Annotations)
	policy := m.policies.choose(t, claim)
	if policy == nil {
		if claim == (twin.Claim{}) {
			return settle.Outcome{}, nil
		}
		return settle.Outcome{}, m.unclaim(ctx, key, t)
	}
	present, err := m.dependentOverridesPresent(ctx, policy)
	if err != nil {
		return settle.Outcome{}, err
	}
	if !present {
		klog.FromContext(ctx).V(2).Info("Waiting for the overrides that a policy depends on", "policy", policy.String(), "template", key)
		return settle.Outcome{After: dependentOverridesInterval}, nil
	}
	outcome, wrote, err := m.apply(ctx, key, t, policy, byPolicy)
	switch {
	case err != nil:
		// That the cache is a moment behind passes by itself.
		if m.queue.Failures(key) >= patience || !apierrors.IsAlreadyExists(err) && !apierrors.IsConflict(err) {
			m.event(t, eventWarning, "ApplyPolicyFailed", "Apply %s failed: %v", policy, err)
		}
		if byPolicy {
			m.enqueueCause(key)
		}
	case outcome.After > 0 && byPolicy:
		m.enqueueCause(key)
	case wrote:
		m.event(t, eventNormal, "ApplyPolicySucceed", "Apply %s succeed", policy)
		switch hooks := m.opts.Interpreter.Hooks(t.GroupVersionKind()); {
		case hooks.Components != nil:
			m.event(t, eventNormal, "GetComponentsSucceed", "Get components of resource template successfully.")
		case hooks.Replicas != nil:
			m.event(t, eventNormal, "GetReplicasSucceed", "Get replicas of resource template successfully.")
		}
	}
	return outcome, err
}

// enqueueCause remembers why a template is tried again.
func (m *Matcher) enqueueCause(key templates.Key) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.byPolicy[key] = struct{}{}
}

// patience is how many failures in a row of a kind that passes by itself are not told.
const patience = 5

// claimedByLabel on a template says that something other than policies propagates it.
const claimedByLabel = "resourcetemplate.karmada.io/claimed-by"

// dependentOverridesInterval is how often a policy's dependentOverrides are looked for.
const dependentOverridesInterval = 500 * time.Millisecond

func (m *Matcher) dependentOverridesPresent(ctx context.Context, p *indexed) (bool, error) {
	for _, name := range p.Spec.DependentOverrides {
		var override client.Object = &policyv1alpha1.OverridePolicy{}
		if p.ClusterScoped() {
			override = &policyv1alpha1.ClusterOverridePolicy{}
		}
		err := m.opts.Client.Get(ctx, types.NamespacedName{Namespace: p.GetNamespace(), Name: name}, override, client.UnsafeDisableDeepCopy)
		if client.IgnoreNotFound(err) != nil {
			return false, err
		}
		if err != nil {
			return false, nil
		}
	}
	return true, nil
}

// release takes the finalizer off a deleted policy once it claims nothing any more. Its templates
// are looked at first: each moves to another policy or loses the claim. As in Karmada their
// bindings, and what runs in members, stay.
func (m *Matcher) release(ctx context.Context, key types.NamespacedName) (settle.Outcome, error) {
	p := m.policies.get(key)
	if p == nil || p.GetDeletionTimestamp().IsZero() {
		return settle.Outcome{}, nil
	}
	for _, s := range p.selectors { // it can have claimed nothing else
		if !m.opts.Templates.Synced(s.kind) {
			return settle.Outcome{After: 100 * time.Millisecond}, nil
		}
	}
	if claimed := m.opts.Templates.ClaimedBy(p.PermanentID()); len(claimed) > 0 {
		for _, t := range claimed {
			m.enqueueByPolicy(templates.KeyOf(t))
		}
		return settle.Outcome{After: time.Second}, nil // at the latest; see policyMayBeFree
	}
	return settle.Outcome{}, m.removeFinalizer(ctx, p.Policy)
}
