package lua

import (
	"strconv"
	"strings"

	glua "github.com/yuin/gopher-lua"
)

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
