package lua

import (
	"strconv"
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

// pushCapture pushes one capture of a match; 0 is the whole if there are none.
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

func (v *vm) stringGsub(l *glua.LState) int {
	s, p, repl := l.CheckString(1), l.CheckString(2), l.Get(3)
	limit := l.OptInt(4, len(s)+1)
	if num, ok := repl.(glua.LNumber); ok {
		repl = glua.LString(num.String())
	}
	switch repl.Type() {
	case glua.LTString, glua.LTTable, glua.LTFunction:
	default:
		l.ArgError(3, "string/function/table expected")
	}
	anchored := strings.HasPrefix(p, "^")
	m := v.matcher(s, p)
	var out strings.Builder
	at, n := 0, 0
	for n < limit {
		start, end := v.try(m, at, boolInt(anchored), true)
		if start >= 0 {
			n++
			text := v.replacement(l, m, repl, start, end)
			v.charge(int64(len(text)))
			out.WriteString(text)
		}
		switch {
		case start >= 0 && end > at:
			at = end
		case at < len(s):
			out.WriteByte(s[at])
			at++
		default:
			at++
		}
		if anchored || at > len(s) {
			break
		}
	}
	if at < len(s) {
		out.WriteString(s[at:])
	}
	v.charge(int64(len(s)))
	l.Push(glua.LString(out.String()))
	l.Push(glua.LNumber(n))
	return 2
}

// replacement is what stands in for a match.
func (v *vm) replacement(l *glua.LState, m *matcher, repl glua.LValue, start, end int) string {
	var value glua.LValue
	switch r := repl.(type) {
	case glua.LString:
		return v.expand(m, string(r), start, end)
	case *glua.LTable:
		value = l.GetTable(r, v.capture(m, 0, start, end))
	case *glua.LFunction:
		l.Push(r)
		l.Call(v.pushCaptures(l, m, start, end, true), 1)
		value = l.Get(-1)
		l.Pop(1)
	}
	switch {
	case !glua.LVAsBool(value):
		return m.src[start:end]
	case !glua.LVCanConvToString(value):
		l.RaiseError("invalid replacement value (a %s)", value.Type().String())
	}
	return glua.LVAsString(value)
}

// expand puts captures into a replacement text.
func (v *vm) expand(m *matcher, text string, start, end int) string {
	if !strings.Contains(text, "%") {
		return text
	}
	var out strings.Builder
	for i := 0; i < len(text); i++ {
		if text[i] != '%' || i+1 == len(text) {
			out.WriteByte(text[i])
			continue
		}
		i++
		part := text[i : i+1]
		switch {
		case part == "0":
			part = m.src[start:end]
		case digit(text[i]):
			n, _ := strconv.Atoi(part)
			part = glua.LVAsString(v.capture(m, n-1, start, end))
		}
		if int64(out.Len()+len(part)) > v.left {
			v.charge(int64(out.Len() + len(part)))
		}
		out.WriteString(part)
	}
	return out.String()
}

func boolInt(b bool) int {
	if b {
		return 1
	}
	return 0
}
