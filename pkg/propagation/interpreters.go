package propagation

import (
	"context"
	"fmt"

	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/utils/clock"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/manager"

	"atoll.dev/atoll/pkg/propagation/interpret"
	"atoll.dev/atoll/pkg/propagation/interpret/declarative"
	"atoll.dev/atoll/pkg/propagation/interpret/lua"
	"atoll.dev/atoll/pkg/propagation/interpret/native"
	"atoll.dev/atoll/pkg/propagation/interpret/thirdparty"
	"atoll.dev/atoll/pkg/propagation/interpret/webhook"
)

// interpreters are all that is known of kinds. Stages run once what administrators say is known:
// without it they would write what they take back a moment later.
type interpreters struct {
	interpret.Chain
	cache       cache.Cache
	declarative *declarative.Interpreter
	webhook     *webhook.Interpreter
	known       chan struct{}
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
	return &interpreters{
		Chain: append(append(interpret.Chain{}, first...), said, hooks, shipped, native.New(clk)),
		cache: c, declarative: said, webhook: hooks, known: make(chan struct{}),
	}, nil
}

// Start implements manager.Runnable: it follows what administrators say.
func (i *interpreters) Start(ctx context.Context) error {
	if err := i.declarative.Listen(ctx, i.cache); err != nil {
		return fmt.Errorf("reading the interpreter customizations: %w", err)
	}
	if err := i.webhook.Listen(ctx, i.cache); err != nil {
		return fmt.Errorf("reading the interpreter webhooks: %w", err)
	}
	close(i.known)
	<-ctx.Done()
	return nil
}

// before returns a stage that starts once the interpreters are known.
func (i *interpreters) before(stage manager.Runnable) manager.Runnable {
	return manager.RunnableFunc(func(ctx context.Context) error {
		select {
		case <-i.known:
			return stage.Start(ctx)
		case <-ctx.Done():
			return nil
		}
	})
}
