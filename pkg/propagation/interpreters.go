package propagation

import (
	"context"
	"fmt"
	"sync"

	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/utils/clock"
	"sigs.k8s.io/controller-runtime/pkg/cache"

	"atoll.dev/atoll/pkg/propagation/interpret"
	"atoll.dev/atoll/pkg/propagation/interpret/declarative"
	"atoll.dev/atoll/pkg/propagation/interpret/lua"
	"atoll.dev/atoll/pkg/propagation/interpret/native"
	"atoll.dev/atoll/pkg/propagation/interpret/thirdparty"
	"atoll.dev/atoll/pkg/propagation/interpret/webhook"
)

// interpreters are all that is known of kinds.
type interpreters struct {
	chain       interpret.Chain
	cache       cache.Cache
	declarative *declarative.Interpreter
	webhook     *webhook.Interpreter
	// known closes when what administrators say is known, or when there is no use in waiting for it.
	known func()
	wait  <-chan struct{}
}

// newInterpreters puts the interpreters in order: what is asked first counts. changed is told when
// something else is known of kinds.
func newInterpreters(c cache.Cache, first []interpret.Interpreter, changed func(func(schema.GroupVersionKind) bool), clk clock.WithTicker) (*interpreters, error) {
	engine := lua.NewEngine(lua.Options{Clock: clk})
	hooks, err := webhook.New(webhook.Options{Changed: changed, Clock: clk})
	if err != nil {
		return nil, err
	}
	shipped, err := thirdparty.New(engine)
	if err != nil {
		return nil, err
	}
	said := declarative.New(engine, changed)
	known := make(chan struct{})
	return &interpreters{
		chain: append(append(interpret.Chain{}, first...), said, hooks, shipped, native.New(clk)),
		cache: c, declarative: said, webhook: hooks, known: sync.OnceFunc(func() { close(known) }), wait: known,
	}, nil
}

// Hooks implements interpret.Interpreter. At the start it waits until what administrators say is
// known: without it stages would write what they take back a moment later.
func (i *interpreters) Hooks(kind schema.GroupVersionKind) interpret.Hooks {
	<-i.wait
	return i.chain.Hooks(kind)
}

// Start implements manager.Runnable: it follows what administrators say.
func (i *interpreters) Start(ctx context.Context) error {
	context.AfterFunc(ctx, i.known) // the stages end with the same context
	if err := i.declarative.Listen(ctx, i.cache); err != nil {
		return fmt.Errorf("reading the interpreter customizations: %w", err)
	}
	if err := i.webhook.Listen(ctx, i.cache); err != nil {
		return fmt.Errorf("reading the interpreter webhooks: %w", err)
	}
	i.known()
	<-ctx.Done()
	return nil
}
