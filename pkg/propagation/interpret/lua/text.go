package lua

import (
	"strings"

	glua "github.com/yuin/gopher-lua"
)

// The functions of the string library that can make much of little, or take long.

func (v *vm) stringRep(l *glua.LState) int {
	s, n := l.CheckString(1), l.CheckInt(2)
	if n <= 0 || s == "" {
		l.Push(glua.LString(""))
		return 1
	}
	if int64(n) > v.limits.Memory/int64(len(s)) {
		v.charge(v.limits.Memory + 1)
	}
	v.charge(int64(n) * int64(len(s)))
	l.Push(glua.LString(strings.Repeat(s, n)))
	return 1
}

func (v *vm) tableConcat(l *glua.LState) int {
	t, sep := l.CheckTable(1), l.OptString(2, "")
	from, to := l.OptInt(3, 1), l.OptInt(4, t.Len())
	if from > to {
		l.Push(glua.LString(""))
		return 1
	}
	var total int64
	var parts []string
	for i := from; i <= to; i++ {
		item := t.RawGetInt(i)
		if !glua.LVCanConvToString(item) {
			l.RaiseError("invalid value (%s) at index %d in table for concat", item.Type().String(), i)
		}
		parts = append(parts, glua.LVAsString(item))
		total += int64(len(parts[len(parts)-1]) + len(sep))
		if total > v.left {
			v.charge(total)
		}
	}
	v.charge(total)
	l.Push(glua.LString(strings.Join(parts, sep)))
	return 1
}

// stringFormat lets the VM's own function do the work once its widths are known to be small, as
// they are in Lua: two digits at most.
func (v *vm) stringFormat(format *glua.LFunction) glua.LGFunction {
	return func(l *glua.LState) int {
		f := l.CheckString(1)
		size := int64(len(f))
		for i, digits := 0, 0; i < len(f); i++ {
			if !digit(f[i]) {
				digits = 0
				continue
			}
			if digits++; digits > 2 && strings.LastIndexByte(f[:i], '%') >= 0 && numeric(f[strings.LastIndexByte(f[:i], '%')+1:i+1]) {
				l.ArgError(1, "invalid format (width or precision too long)")
			}
		}
		for i := 2; i <= l.GetTop(); i++ {
			size += 128
			if s, ok := l.Get(i).(glua.LString); ok {
				size += 4 * int64(len(s)) // quoted
			}
		}
		v.charge(size)
		n := l.GetTop()
		l.Push(format)
		for i := 1; i <= n; i++ {
			l.Push(l.Get(i))
		}
		l.Call(n, 1)
		return 1
	}
}

// numeric tells whether all of a format's part after the % is flags, width and precision.
func numeric(s string) bool { return strings.Trim(s, "0123456789.-+ #") == "" }

// charged has a function of the string library pay for a result of its first argument's length.
func (v *vm) charged(f *glua.LFunction) glua.LGFunction {
	return func(l *glua.LState) int {
		n := l.GetTop()
		v.charge(int64(len(l.CheckString(1))))
		l.Push(f)
		for i := 1; i <= n; i++ {
			l.Push(l.Get(i))
		}
		l.Call(n, 1)
		return 1
	}
}

func (v *vm) matcher(src, pat string) *matcher {
	return &matcher{src: src, pat: pat, tick: func() {
		if v.ctx.Err() != nil {
			v.state.RaiseError("interrupted")
		}
	}}
}

// try matches from each position on, raising what is wrong with the pattern.
func (v *vm) try(m *matcher, from int, pat int, anchored bool) (start, end int) {
	defer func() {
		if r := recover(); r != nil {
			e, ok := r.(patternError)
			if !ok {
				panic(r)
			}
			v.state.RaiseError("%s", e.Error())
		}
	}()
	for s := from; s <= len(m.src); s++ {
		m.captures, m.depth = m.captures[:0], 0
		m.step()
		if e := m.at(s, pat); e != -1 {
			return s, e
		}
		if anchored {
			break
		}
	}
	return -1, -1
}

// capture returns one capture of a match; the first is the whole if there are none.
func (v *vm) capture(m *matcher, i, start, end int) glua.LValue {
	if i >= len(m.captures) {
		if i != 0 {
			v.state.RaiseError("invalid capture index")
		}
		return glua.LString(m.src[start:end])
	}
	c := m.captures[i]
	switch c.length {
	case positionOnly:
		return glua.LNumber(c.start + 1)
	case openCapture:
		v.state.RaiseError("unfinished capture")
	}
	return glua.LString(m.src[c.start : c.start+c.length])
}

func (v *vm) pushCaptures(l *glua.LState, m *matcher, start, end int, whole bool) int {
	n := len(m.captures)
	if n == 0 && whole {
		n = 1
	}
	for i := range n {
		l.Push(v.capture(m, i, start, end))
	}
	return n
}

func (v *vm) stringFind(l *glua.LState) int  { return v.search(l, true) }
func (v *vm) stringMatch(l *glua.LState) int { return v.search(l, false) }

func (v *vm) search(l *glua.LState, find bool) int {
	s, p := l.CheckString(1), l.CheckString(2)
	from := l.OptInt(3, 1)
	if from < 0 {
		from = max(1, len(s)+from+1)
	}
	from = max(from, 1) - 1
	if from > len(s) {
		l.Push(glua.LNil)
		return 1
	}
	if find && (glua.LVAsBool(l.Get(4)) || !strings.ContainsAny(p, "^$*+?.([%-")) {
		i := strings.Index(s[from:], p)
		if i < 0 {
			l.Push(glua.LNil)
			return 1
		}
		l.Push(glua.LNumber(from + i + 1))
		l.Push(glua.LNumber(from + i + len(p)))
		return 2
	}
	m := v.matcher(s, p)
	anchored := strings.HasPrefix(p, "^")
	start, end := v.try(m, from, boolInt(anchored), anchored)
	if start < 0 {
		l.Push(glua.LNil)
		return 1
	}
	if !find {
		return v.pushCaptures(l, m, start, end, true)
	}
	l.Push(glua.LNumber(start + 1))
	l.Push(glua.LNumber(end))
	return 2 + v.pushCaptures(l, m, start, end, false)
}

func (v *vm) stringGmatch(l *glua.LState) int {
	s, p := l.CheckString(1), l.CheckString(2)
	v.charge(closureBytes)
	from := 0
	l.Push(l.NewFunction(func(l *glua.LState) int {
		m := v.matcher(s, p)
		start, end := v.try(m, from, 0, false)
		if start < 0 {
			from = len(s) + 1
			l.Push(glua.LNil)
			return 1
		}
		if from = end; end == start {
			from++
		}
		return v.pushCaptures(l, m, start, end, true)
	}))
	return 1
}

func boolInt(b bool) int {
	if b {
		return 1
	}
	return 0
}
