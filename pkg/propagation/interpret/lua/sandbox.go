package lua

import (
	"strings"

	glua "github.com/yuin/gopher-lua"
)

// Karmada has these raise an error, too.
var forbidden = []string{
	"collectgarbage", "dofile", "getfenv", "getmetatable", "load", "loadfile", "loadstring",
	"rawequal", "rawget", "rawset", "setfenv", "setmetatable", "module", "newproxy",
}

// open fills globals and libraries with what a script may use.
func (v *vm) open() {
	l := v.state
	for _, open := range []struct {
		name string
		f    glua.LGFunction
	}{
		{glua.BaseLibName, glua.OpenBase}, {glua.StringLibName, glua.OpenString}, {glua.TabLibName, glua.OpenTable},
		{glua.MathLibName, glua.OpenMath}, {glua.OsLibName, glua.OpenOs},
	} {
		l.Push(l.NewFunction(open.f))
		l.Push(glua.LString(open.name))
		l.Call(1, 0)
	}
	v.globals = map[string]glua.LValue{}
	for _, name := range []string{
		"_VERSION", "assert", "error", "ipairs", "next", "pairs", "pcall", "select", "tonumber", "tostring", "type", "unpack", "xpcall",
	} {
		v.globals[name] = l.GetGlobal(name)
	}
	for _, name := range forbidden {
		v.globals[name] = l.NewFunction(func(l *glua.LState) int {
			l.RaiseError("call function %s is not supported in customizations", name)
			return 0
		})
	}
	for name, f := range map[string]glua.LGFunction{
		"print": v.printed, "require": v.require,
		setFunction: v.set, concatFunction: v.concat, tableFunction: v.table, closureFunction: v.closure,
	} {
		v.globals[name] = l.NewFunction(f)
	}

	v.libraries = map[string]*glua.LTable{}
	for _, name := range []string{glua.StringLibName, glua.TabLibName, glua.MathLibName} {
		v.libraries[name] = l.GetGlobal(name).(*glua.LTable)
	}
	// Karmada gives scripts the clock, and its own third-party customizations use it.
	all, clock := l.GetGlobal(glua.OsLibName).(*glua.LTable), l.NewTable()
	for _, name := range []string{"time", "date"} {
		clock.RawSetString(name, all.RawGetString(name))
	}
	v.libraries[glua.OsLibName] = clock
	v.libraries[kubeLibrary] = v.kube()

	text, tables, numbers := v.libraries[glua.StringLibName], v.libraries[glua.TabLibName], v.libraries[glua.MathLibName]
	text.RawSetString("dump", glua.LNil)
	numbers.RawSetString("randomseed", glua.LNil) // it is the process's
	format := text.RawGetString("format").(*glua.LFunction)
	for name, f := range map[string]glua.LGFunction{
		"rep": v.stringRep, "format": v.stringFormat(format), "find": v.stringFind, "match": v.stringMatch,
		"gmatch": v.stringGmatch, "gfind": v.stringGmatch, "gsub": v.stringGsub,
	} {
		text.RawSetString(name, l.NewFunction(f))
	}
	for _, name := range []string{"lower", "upper", "reverse"} {
		text.RawSetString(name, l.NewFunction(v.charged(text.RawGetString(name).(*glua.LFunction))))
	}
	insert := tables.RawGetString("insert").(*glua.LFunction)
	tables.RawSetString("insert", l.NewFunction(v.tableInsert(insert)))
	tables.RawSetString("concat", l.NewFunction(v.tableConcat))

	// Methods of strings come from a copy that no script can reach.
	methods, meta := l.NewTable(), l.NewTable()
	text.ForEach(func(key, value glua.LValue) { methods.RawSet(key, value) })
	meta.RawSetString("__index", methods)
	l.SetMetatable(glua.LString(""), meta)
	text.RawSetString("__index", glua.LNil)
}

// environment returns globals for one call. What it assigns, also to libraries, ends with it.
func (v *vm) environment() *glua.LTable {
	env := v.state.CreateTable(0, 64)
	for name, value := range v.globals { // copied: a script may set them to nil
		env.RawSetString(name, value)
	}
	for name, library := range v.libraries {
		if name != kubeLibrary {
			env.RawSetString(name, v.over(library))
		}
	}
	env.RawSetString("_G", env)
	return env
}

// over returns an empty table that shows another one behind it.
func (v *vm) over(behind *glua.LTable) *glua.LTable {
	meta, t := v.state.CreateTable(0, 1), v.state.CreateTable(0, 1)
	meta.RawSetString("__index", behind)
	t.Metatable = meta
	return t
}

func (v *vm) require(l *glua.LState) int {
	name := l.CheckString(1)
	library := v.libraries[name]
	if library == nil {
		l.RaiseError("module %s not found; there are kube, string, table, math and os", name)
	}
	l.Push(v.over(library))
	return 1
}

func (v *vm) printed(l *glua.LState) int {
	if v.print == nil {
		return 0
	}
	var line []string
	for i := 1; i <= l.GetTop(); i++ {
		s := l.ToStringMeta(l.Get(i)).String()
		v.charge(int64(len(s)))
		line = append(line, s)
	}
	v.print(strings.Join(line, "\t"))
	return 0
}
