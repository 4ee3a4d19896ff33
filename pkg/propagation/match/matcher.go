package match

import (
	"context"
	"sync"
	"time"

	policyv1alpha1 "github.com/karmada-io/karmada/pkg/apis/policy/v1alpha1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/dynamic"
	toolscache "k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/record"
	"k8s.io/klog/v2"
	"k8s.io/utils/clock"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"atoll.dev/atoll/pkg/propagation/changes"
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

// cause is why a template is looked at.
type cause int

const (
	// policyChange: only policies changed.
	policyChange cause = iota + 1
	// ownChange: the template changed, and maybe policies did, too.
	ownChange
)

// Matcher is the controller. It implements manager.Runnable.
type Matcher struct {
	opts     Options
	policies *index
	queue    *settle.Queue[templates.Key]
	released *settle.Queue[types.NamespacedName]

	mu sync.Mutex
	// causes says, of queued templates, why: a lazy policy does not touch those that are queued
	// because of a policy alone.
	causes map[templates.Key]cause
	// listening is set once all that was there at the start has been delivered: a template that
	// is only now heard of has not changed for that.
	listening bool
	// claims are our own writes to templates: their events say nothing new.
	claims map[templates.Key]*ownWrite
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
		causes:   map[templates.Key]cause{}, claims: map[templates.Key]*ownWrite{},
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
	m.mu.Lock()
	m.listening = true
	m.mu.Unlock()
	var group sync.WaitGroup
	group.Go(func() { m.queue.Run(ctx, m.opts.Workers, m.reconcile) })
	group.Go(func() { m.released.Run(ctx, 2, m.release) })
	group.Wait()
	return nil
}

func (m *Matcher) listen(ctx context.Context) error {
	for _, namespace := range []string{"", "any"} {
		for obj, changed := range map[client.Object]func(old, new client.Object){
			twin.NewPolicy(namespace).Object: m.policyChanged, twin.NewBinding(namespace).Object: m.bindingChanged,
		} {
			delivered, err := changes.Of(ctx, m.opts.Cache, obj, changed)
			if err != nil {
				return err
			}
			// Policies must be known before templates are looked at, or a claim would look orphaned.
			if !toolscache.WaitForCacheSync(ctx.Done(), delivered) {
				return ctx.Err()
			}
		}
	}
	return nil
}

// becauseOfPolicy tells, and forgets, whether only policies had the template queued.
func (m *Matcher) becauseOfPolicy(key templates.Key) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	why := m.causes[key]
	delete(m.causes, key)
	return why == policyChange
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
			m.becauseOf(key, policyChange)
		}
	case outcome.After > 0 && byPolicy:
		m.becauseOf(key, policyChange)
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

// becauseOf remembers why a template is queued. That it changed itself goes before that a policy did.
func (m *Matcher) becauseOf(key templates.Key, why cause) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.causes[key] = max(m.causes[key], why)
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
		if !m.opts.Templates.Synced(s.Kind) {
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
