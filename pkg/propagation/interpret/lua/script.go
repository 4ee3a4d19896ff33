package lua

import (
	"context"
	"fmt"
	"sync"

	glua "github.com/yuin/gopher-lua"
	"k8s.io/utils/clock"

	"atoll.dev/atoll/apis/karmada/customization"
	"atoll.dev/atoll/pkg/propagation/interpret/breaker"
)

// Options of an Engine. The zero value is what the propagation uses.
type Options struct {
	Limits Limits
	// Print is given what scripts print. nil: nobody.
	Print func(line string)
	// Clock says how long a script that ran out of its limits rests. It defaults to the real one.
	Clock clock.PassiveClock
}

// Engine runs scripts. It is for all scripts of a process: it bounds what they take together.
type Engine struct {
	opts  Options
	vms   sync.Pool
	slots chan struct{}
}

// NewEngine returns an engine.
func NewEngine(opts Options) *Engine {
	opts.Limits = opts.Limits.withDefaults()
	if opts.Clock == nil {
		opts.Clock = clock.RealClock{}
	}
	return &Engine{
		opts: opts, slots: make(chan struct{}, opts.Limits.Concurrent),
		vms: sync.Pool{New: func() any { return newVM(opts.Limits, opts.Print) }},
	}
}

// script is one script of one customization, compiled.
type script struct {
	engine *Engine
	// owner is the customization's name.
	owner string
	rule  customization.Rule
	proto *glua.FunctionProto
	// failure says why there is no proto.
	failure error
	breaker *breaker.Breaker
}

// compile never fails: what is wrong with a script is what its calls return.
func (e *Engine) compile(owner string, rule customization.Rule, source string) *script {
	s := &script{engine: e, owner: owner, rule: rule, breaker: breaker.New(e.opts.Clock)}
	chunk, err := customization.Parse(source, rule.Function)
	if err != nil {
		s.failure = fmt.Errorf("spec.customizations.%s.luaScript %w", rule.Field, err)
		return s
	}
	if s.proto, err = glua.Compile(metered(chunk), customization.ChunkName); err != nil {
		s.failure = fmt.Errorf("spec.customizations.%s.luaScript cannot be compiled: %w", rule.Field, err)
	}
	return s
}

// run calls the script's function. read is given the results and the VM to convert them with; it
// must keep neither.
func (s *script) run(ctx context.Context, results int, args []any, read func(*vm, []glua.LValue) error) error {
	err := s.failure
	if err == nil {
		err = s.breaker.Do(func() (bool, error) { return s.limited(ctx, results, args, read) })
	}
	if err != nil {
		return fmt.Errorf("customization %s: %s: %w", s.owner, s.rule.Function, err)
	}
	return nil
}

// limited tells whether the call ran out of its limits: such scripts are not run again at once.
func (s *script) limited(ctx context.Context, results int, args []any, read func(*vm, []glua.LValue) error) (bool, error) {
	select {
	case s.engine.slots <- struct{}{}:
	case <-ctx.Done():
		return false, ctx.Err()
	}
	defer func() { <-s.engine.slots }()
	v := s.engine.vms.Get().(*vm)
	err := v.call(ctx, s.proto, s.rule.Function, results, args, func(out []glua.LValue) error { return read(v, out) })
	if err != nil {
		v.state.Close() // what an error left in it is not worth looking at
		return isLimit(err), err
	}
	s.engine.vms.Put(v)
	return false, nil
}
