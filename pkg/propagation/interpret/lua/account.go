package lua

import (
	"strings"

	glua "github.com/yuin/gopher-lua"
)

// set is object[key] = value.
func (v *vm) set(l *glua.LState) int {
	object, key, value := l.Get(1), l.Get(2), l.Get(3)
	if t, ok := object.(*glua.LTable); ok && value != glua.LNil {
		v.chargeEntry(t, key)
	}
	l.SetTable(object, key, value)
	return 0
}

// chargeEntry charges for what a table grows by when it gets this key. A list grows up to a key far
// beyond its end at once.
func (v *vm) chargeEntry(t *glua.LTable, key glua.LValue) {
	n, ok := key.(glua.LNumber)
	i := int64(n)
	switch end := int64(t.MaxN()); {
	case ok && float64(i) == float64(n) && i > 0 && i < int64(glua.MaxArrayIndex):
		if i > end {
			v.charge((i - end) * slotBytes)
		}
	case t.RawGet(key) == glua.LNil:
		v.charge(entryBytes)
	}
}

// tableInsert is table.insert.
func (v *vm) tableInsert(insert *glua.LFunction) glua.LGFunction {
	return func(l *glua.LState) int {
		t, n := l.CheckTable(1), l.GetTop()
		if n > 2 {
			v.chargeEntry(t, l.Get(2))
		}
		v.charge(slotBytes)
		l.Push(insert)
		for i := 1; i <= n; i++ {
			l.Push(l.Get(i))
		}
		l.Call(n, 0)
		return 0
	}
}

// concat is the operator ..
func (v *vm) concat(l *glua.LState) int {
	parts := make([]string, l.GetTop())
	var size int64
	for i := range parts {
		part := l.Get(i + 1)
		if !glua.LVCanConvToString(part) {
			other := l.Get(max(1, i))
			if i == 0 && len(parts) > 1 {
				other = l.Get(2)
				l.RaiseError("cannot perform concat operation between %v and %v", part.Type().String(), other.Type().String())
			}
			l.RaiseError("cannot perform concat operation between %v and %v", other.Type().String(), part.Type().String())
		}
		parts[i] = glua.LVAsString(part)
		size += int64(len(parts[i]))
	}
	v.charge(size)
	l.Push(glua.LString(strings.Join(parts, "")))
	return 1
}

// table charges for a table that was just made.
func (v *vm) table(l *glua.LState) int {
	t := l.CheckTable(1)
	v.charge(tableBytes + int64(t.Len())*slotBytes + int64(l.CheckInt(2))*entryBytes)
	l.Push(t)
	return 1
}

// closure charges for a function that was just made, or is about to be.
func (v *vm) closure(l *glua.LState) int {
	v.charge(closureBytes)
	l.Push(l.Get(1))
	return 1
}
