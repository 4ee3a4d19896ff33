package declarative

import (
	"context"
	"slices"
	"sync"

	configv1alpha1 "github.com/karmada-io/karmada/pkg/apis/config/v1alpha1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	toolscache "k8s.io/client-go/tools/cache"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"atoll.dev/atoll/pkg/propagation/changes"
	"atoll.dev/atoll/pkg/propagation/interpret"
	"atoll.dev/atoll/pkg/propagation/interpret/lua"
)

// Interpreter knows the kinds that are customized.
type Interpreter struct {
	engine *lua.Engine
	// changed is told of kinds once all customizations that there were at the start are known.
	changed func(concerned func(schema.GroupVersionKind) bool)

	mu        sync.RWMutex
	listening bool
	all       map[string]*configv1alpha1.ResourceInterpreterCustomization
	kinds     map[schema.GroupVersionKind]interpret.Hooks
}

// New returns an interpreter that knows nothing before Listen. changed is told whenever something
// else is said of kinds; it must return quickly.
func New(engine *lua.Engine, changed func(concerned func(schema.GroupVersionKind) bool)) *Interpreter {
	return &Interpreter{
		engine: engine, changed: changed,
		all: map[string]*configv1alpha1.ResourceInterpreterCustomization{}, kinds: map[schema.GroupVersionKind]interpret.Hooks{},
	}
}

// Listen follows the customizations in a cache as long as that runs. It returns when all that exist
// are known.
func (i *Interpreter) Listen(ctx context.Context, c cache.Cache) error {
	delivered, err := changes.Of(ctx, c, &configv1alpha1.ResourceInterpreterCustomization{}, i.customizationChanged)
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

// Hooks implements interpret.Interpreter.
func (i *Interpreter) Hooks(kind schema.GroupVersionKind) interpret.Hooks {
	i.mu.RLock()
	defer i.mu.RUnlock()
	return i.kinds[kind]
}

func (i *Interpreter) customizationChanged(old, new client.Object) {
	if old != nil && new != nil && old.GetGeneration() == new.GetGeneration() && old.GetUID() == new.GetUID() {
		return
	}
	i.mu.Lock()
	var kinds []schema.GroupVersionKind
	if old != nil {
		c := old.(*configv1alpha1.ResourceInterpreterCustomization)
		delete(i.all, c.Name)
		kinds = append(kinds, target(c))
	}
	if new != nil {
		c := new.(*configv1alpha1.ResourceInterpreterCustomization)
		i.all[c.Name] = c
		kinds = append(kinds, target(c))
	}
	for _, kind := range kinds {
		i.compile(kind)
	}
	listening := i.listening
	i.mu.Unlock()
	if listening && i.changed != nil {
		i.changed(func(kind schema.GroupVersionKind) bool { return slices.Contains(kinds, kind) })
	}
}

// compile puts together what is said of a kind.
func (i *Interpreter) compile(kind schema.GroupVersionKind) {
	var of []*configv1alpha1.ResourceInterpreterCustomization
	for _, c := range i.all {
		if target(c) == kind {
			of = append(of, c)
		}
	}
	if len(of) == 0 {
		delete(i.kinds, kind)
		return
	}
	i.kinds[kind] = i.engine.Hooks(of)
}

func target(c *configv1alpha1.ResourceInterpreterCustomization) schema.GroupVersionKind {
	return schema.FromAPIVersionAndKind(c.Spec.Target.APIVersion, c.Spec.Target.Kind)
}
