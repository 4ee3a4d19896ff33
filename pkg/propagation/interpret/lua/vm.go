package lua

import (
	"context"
	"fmt"

	glua "github.com/yuin/gopher-lua"
)

// What the meter charges for, in bytes. Generous: the account must not fall behind the heap.
const (
	tableBytes   = 160 // a table without entries
	slotBytes    = 32  // an element of a list; twice its size, since lists grow ahead
	entryBytes   = 160 // an entry of a map, with its place in the order
	closureBytes = 256
	nodeBytes    = 64 // a value that a script returns
)

// vm is one Lua state. It runs one call at a time.
type vm struct {
	state  *glua.LState
	limits Limits
	print  func(string)
	// globals are what every call finds.
	globals map[string]glua.LValue
	// libraries are behind the tables that a script finds under these names.
	libraries map[string]*glua.LTable

	// Of the present call:
	ctx    context.Context
	cancel context.CancelCauseFunc
	left   int64
	// origins says what tables were made of.
	origins map[*glua.LTable]any
}

func newVM(limits Limits, print func(string)) *vm {
	l := glua.NewState(glua.Options{
		SkipOpenLibs: true, CallStackSize: callDepth, MinimizeStackMemory: true,
		RegistrySize: registers, RegistryMaxSize: maxRegisters, RegistryGrowStep: registers,
	})
	v := &vm{state: l, limits: limits, print: print, ctx: context.Background(), left: limits.Memory}
	v.open()
	return v
}

// charge takes from what the call may allocate. Beyond that the call is over, whatever it catches.
func (v *vm) charge(bytes int64) {
	v.left -= bytes
	if v.left >= 0 && bytes >= 0 {
		return
	}
	err := memoryExceeded(v.limits)
	if v.cancel != nil {
		v.cancel(err)
	}
	v.state.RaiseError("%s", err.Error())
}

// call runs a script and one function that it defines. read is given the results while the VM still
// has them. A VM whose call failed must not be used again.
func (v *vm) call(ctx context.Context, proto *glua.FunctionProto, function string, results int, args []any, read func([]glua.LValue) error) (err error) {
	ctx, stop := context.WithTimeoutCause(ctx, v.limits.Time, timeExceeded(v.limits))
	defer stop()
	v.ctx, v.cancel = context.WithCancelCause(ctx)
	defer v.cancel(nil)
	v.left, v.origins = v.limits.Memory, map[*glua.LTable]any{}
	v.state.SetContext(v.ctx)
	defer func() {
		if r := recover(); r != nil { // a defect of the VM must stay one of this script
			err = fmt.Errorf("%v", r)
		}
		if err != nil && v.ctx.Err() != nil {
			err = context.Cause(v.ctx)
		}
		v.state.RemoveContext()
		v.state.SetTop(0)
		v.ctx, v.cancel, v.origins = context.Background(), nil, nil
	}()
	env := v.environment()
	chunk := v.state.NewFunctionFromProto(proto)
	v.state.SetFEnv(chunk, env)
	if err := v.state.CallByParam(glua.P{Fn: chunk, Protect: true}); err != nil {
		return raised(err)
	}
	f, ok := env.RawGetString(function).(*glua.LFunction)
	if !ok {
		return fmt.Errorf("does not define the function %s", function)
	}
	in := make([]glua.LValue, len(args))
	for i := range args {
		if in[i], err = v.toLua(args[i]); err != nil {
			return err
		}
	}
	if err := v.state.CallByParam(glua.P{Fn: f, NRet: results, Protect: true}, in...); err != nil {
		return raised(err)
	}
	out := make([]glua.LValue, results)
	for i := range out {
		out[i] = v.state.Get(i - results)
	}
	return read(out)
}

// raised returns what a script raised without the VM's stack trace.
func raised(err error) error {
	if e, ok := err.(*glua.ApiError); ok && e.Object != nil && e.Object != glua.LNil {
		text := e.Object.String()
		if len(text) > maxErrorBytes {
			text = text[:maxErrorBytes] + "…"
		}
		return fmt.Errorf("%s", text)
	}
	text := err.Error()
	if len(text) > maxErrorBytes {
		text = text[:maxErrorBytes] + "…"
	}
	return fmt.Errorf("%s", text)
}
