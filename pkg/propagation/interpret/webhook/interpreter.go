package webhook

import (
	"cmp"
	"context"
	"slices"
	"sync"

	configv1alpha1 "github.com/karmada-io/karmada/pkg/apis/config/v1alpha1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	toolscache "k8s.io/client-go/tools/cache"
	"k8s.io/utils/clock"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"atoll.dev/atoll/pkg/propagation/changes"
	"atoll.dev/atoll/pkg/propagation/interpret"
	"atoll.dev/atoll/pkg/propagation/interpret/breaker"
)

// Options of an Interpreter.
type Options struct {
	// Changed is told whenever other webhooks are to be asked of kinds. It must return quickly.
	Changed func(concerned func(schema.GroupVersionKind) bool)
	// Resolver finds the servers of webhooks that name a Service. Default: its name in the DNS,
	// <service>.<namespace>.svc.
	Resolver Resolver
	// Clock defaults to the real one.
	Clock clock.PassiveClock
}

// Interpreter knows the kinds that webhooks have rules for.
type Interpreter struct {
	opts    Options
	clients *clients

	mu        sync.RWMutex
	listening bool
	all       map[string]*configv1alpha1.ResourceInterpreterWebhookConfiguration
	hooks     []*hook // sorted by name
	// kinds remembers what was found out of kinds since the last change.
	kinds map[schema.GroupVersionKind]interpret.Hooks
}

// hook is one webhook.
type hook struct {
	*configv1alpha1.ResourceInterpreterWebhook
	// name is the configuration's and the webhook's.
	name    string
	clients *clients
	breaker *breaker.Breaker
	clock   clock.PassiveClock
}

// New returns an interpreter that knows nothing before Listen.
func New(opts Options) (*Interpreter, error) {
	if opts.Clock == nil {
		opts.Clock = clock.RealClock{}
	}
	c, err := newClients(opts.Resolver)
	if err != nil {
		return nil, err
	}
	return &Interpreter{
		opts: opts, clients: c,
		all: map[string]*configv1alpha1.ResourceInterpreterWebhookConfiguration{}, kinds: map[schema.GroupVersionKind]interpret.Hooks{},
	}, nil
}

// Listen follows the configurations in a cache as long as that runs. It returns when all that exist
// are known.
func (i *Interpreter) Listen(ctx context.Context, c cache.Cache) error {
	delivered, err := changes.Of(ctx, c, &configv1alpha1.ResourceInterpreterWebhookConfiguration{}, i.configurationChanged)
	if err != nil {
		return err
	}
	if !toolscache.WaitForCacheSync(ctx.Done(), delivered) {
		return ctx.Err()
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	i.listening = true
	return nil
}

func (i *Interpreter) configurationChanged(old, new client.Object) {
	if old != nil && new != nil && old.GetGeneration() == new.GetGeneration() && old.GetUID() == new.GetUID() {
		return
	}
	i.mu.Lock()
	var rules []configv1alpha1.RuleWithOperations
	if old != nil {
		rules = append(rules, i.remove(old.GetName())...)
	}
	if new != nil {
		rules = append(rules, i.add(new.(*configv1alpha1.ResourceInterpreterWebhookConfiguration))...)
	}
	clear(i.kinds)
	listening := i.listening
	i.mu.Unlock()
	if listening && i.opts.Changed != nil {
		i.opts.Changed(func(kind schema.GroupVersionKind) bool {
			return slices.ContainsFunc(rules, func(r configv1alpha1.RuleWithOperations) bool { return matches(&r.Rule, kind) })
		})
	}
}

// remove forgets a configuration and returns the rules it had.
func (i *Interpreter) remove(name string) (rules []configv1alpha1.RuleWithOperations) {
	was := i.all[name]
	if was == nil {
		return nil
	}
	delete(i.all, name)
	for w := range was.Webhooks {
		rules = append(rules, was.Webhooks[w].Rules...)
	}
	i.hooks = slices.DeleteFunc(i.hooks, func(h *hook) bool {
		return slices.ContainsFunc(was.Webhooks, func(w configv1alpha1.ResourceInterpreterWebhook) bool { return h.name == hookName(was, &w) })
	})
	return rules
}

// add takes a configuration in and returns its rules.
func (i *Interpreter) add(c *configv1alpha1.ResourceInterpreterWebhookConfiguration) (rules []configv1alpha1.RuleWithOperations) {
	i.all[c.Name] = c
	for w := range c.Webhooks {
		rules = append(rules, c.Webhooks[w].Rules...)
		i.hooks = append(i.hooks, &hook{
			ResourceInterpreterWebhook: &c.Webhooks[w], name: hookName(c, &c.Webhooks[w]),
			clients: i.clients, breaker: breaker.New(i.opts.Clock), clock: i.opts.Clock,
		})
	}
	slices.SortStableFunc(i.hooks, func(a, b *hook) int { return cmp.Compare(a.name, b.name) })
	return rules
}

func hookName(c *configv1alpha1.ResourceInterpreterWebhookConfiguration, w *configv1alpha1.ResourceInterpreterWebhook) string {
	return c.Name + "/" + w.Name
}

// Hooks implements interpret.Interpreter.
func (i *Interpreter) Hooks(kind schema.GroupVersionKind) interpret.Hooks {
	i.mu.RLock()
	hooks, known := i.kinds[kind]
	i.mu.RUnlock()
	if known {
		return hooks
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	hooks = i.find(kind)
	i.kinds[kind] = hooks
	return hooks
}

func (i *Interpreter) find(kind schema.GroupVersionKind) (hooks interpret.Hooks) {
	first := func(operation configv1alpha1.InterpreterOperation) *hook {
		for _, h := range i.hooks {
			if h.serves(kind, operation) {
				return h
			}
		}
		return nil
	}
	if h := first(configv1alpha1.InterpreterOperationInterpretReplica); h != nil {
		hooks.Replicas = h.replicas
	}
	if h := first(configv1alpha1.InterpreterOperationInterpretComponent); h != nil {
		hooks.Components = h.components
	}
	if h := first(configv1alpha1.InterpreterOperationReviseReplica); h != nil {
		hooks.ReviseReplicas = h.revise
	}
	if h := first(configv1alpha1.InterpreterOperationRetain); h != nil {
		hooks.Retain = h.retain
	}
	if h := first(configv1alpha1.InterpreterOperationInterpretStatus); h != nil {
		hooks.ReflectStatus = h.reflectStatus
	}
	if h := first(configv1alpha1.InterpreterOperationAggregateStatus); h != nil {
		hooks.AggregateStatus = h.aggregateStatus
	}
	if h := first(configv1alpha1.InterpreterOperationInterpretHealth); h != nil {
		hooks.Healthy = h.healthy
	}
	if h := first(configv1alpha1.InterpreterOperationInterpretDependency); h != nil {
		hooks.Dependencies = h.dependencies
	}
	return hooks
}

// serves tells whether a rule names the kind and the operation. Components must be named: webhooks
// that serve "*" were mostly written before there were any, and would be asked in vain where asking
// for replicas gives an answer.
func (h *hook) serves(kind schema.GroupVersionKind, operation configv1alpha1.InterpreterOperation) bool {
	return slices.ContainsFunc(h.Rules, func(r configv1alpha1.RuleWithOperations) bool {
		named := slices.Contains(r.Operations, operation) ||
			slices.Contains(r.Operations, configv1alpha1.InterpreterOperationAll) && operation != configv1alpha1.InterpreterOperationInterpretComponent
		return named && matches(&r.Rule, kind)
	})
}

func matches(r *configv1alpha1.Rule, kind schema.GroupVersionKind) bool {
	among := func(all []string, one string) bool { return slices.Contains(all, one) || slices.Contains(all, "*") }
	return among(r.APIGroups, kind.Group) && among(r.APIVersions, kind.Version) && among(r.Kinds, kind.Kind)
}
