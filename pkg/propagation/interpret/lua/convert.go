package lua

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"unicode/utf8"

	glua "github.com/yuin/gopher-lua"
	utiljson "k8s.io/apimachinery/pkg/util/json"
)

// Lua has one kind of number and one kind of table. So that objects come out as they went in, a VM
// remembers what each table was made of: an empty one is the list or the map that it was, a number
// the integer or the fraction. For what a script makes itself, the values that stood in the same
// place of the script's arguments decide; an empty table where there was nothing is left out, since
// nobody could say what it is.

// toLua converts a value of an unstructured object, or one that JSON can carry.
func (v *vm) toLua(value any) (glua.LValue, error) {
	switch t := value.(type) {
	case nil:
		return glua.LNil, nil
	case bool:
		return glua.LBool(t), nil
	case string:
		return glua.LString(t), nil
	case int64:
		return glua.LNumber(t), nil
	case float64:
		return glua.LNumber(t), nil
	case []any:
		table := v.state.CreateTable(len(t), 0)
		v.origins[table] = t
		for i := range t {
			item, err := v.toLua(t[i])
			if err != nil {
				return nil, err
			}
			table.Append(item) // leaves nulls out: they would end the list
		}
		return table, nil
	case map[string]any:
		table := v.state.CreateTable(0, len(t))
		v.origins[table] = t
		// In order, so that pairs() is the same each time: what scripts make of it is written.
		for _, key := range slices.Sorted(maps.Keys(t)) {
			item, err := v.toLua(t[key])
			if err != nil {
				return nil, err
			}
			if item != glua.LNil {
				table.RawSetString(key, item)
			}
		}
		return table, nil
	}
	plain, err := plainOf(value)
	if err != nil {
		return nil, err
	}
	return v.toLua(plain)
}

// plainOf returns a value as JSON decodes it.
func plainOf(value any) (any, error) {
	raw, err := json.Marshal(value)
	if err != nil {
		return nil, fmt.Errorf("encoding %T: %w", value, err)
	}
	var plain any
	if err := utiljson.Unmarshal(raw, &plain); err != nil {
		return nil, fmt.Errorf("decoding %T: %w", value, err)
	}
	return plain, nil
}

// reader converts what a script returns.
type reader struct {
	vm    *vm
	depth int
}

// fromLua converts a value; references stood in its place in what the script was given.
func (v *vm) fromLua(value glua.LValue, references ...any) (result any, err error) {
	defer func() {
		if r := recover(); r != nil { // the account is empty
			result, err = nil, errors.New("returns too much")
		}
	}()
	r := reader{vm: v}
	result, known, err := r.value(value, references, "")
	if table, ok := value.(*glua.LTable); ok && !known && err == nil && table.Len() == 0 {
		return map[string]any{}, nil
	}
	return result, err
}

func where(path string) string {
	if path == "" {
		return "the result"
	}
	return path[1:]
}

// value returns a converted value. known is false for an empty table of which nobody knows what it is.
func (r *reader) value(value glua.LValue, references []any, path string) (result any, known bool, err error) {
	r.vm.charge(nodeBytes)
	switch t := value.(type) {
	case *glua.LNilType:
		return nil, true, nil
	case glua.LBool:
		return bool(t), true, nil
	case glua.LString:
		if !utf8.ValidString(string(t)) {
			return nil, false, fmt.Errorf("%s is not valid UTF-8", where(path))
		}
		return string(t), true, nil
	case glua.LNumber:
		n, err := number64(float64(t), references)
		if err != nil {
			return nil, false, fmt.Errorf("%s %w", where(path), err)
		}
		return n, true, nil
	case *glua.LTable:
		if r.depth++; r.depth > maxNesting {
			return nil, false, fmt.Errorf("%.100s… is nested more than %d deep, or contains itself", where(path), maxNesting)
		}
		defer func() { r.depth-- }()
		return r.table(t, references, path)
	}
	return nil, false, fmt.Errorf("%s is a %s, which no object can hold", where(path), value.Type())
}

// number64 returns an int64 or a float64: what stood there before if it is the same number.
func number64(n float64, references []any) (any, error) {
	for _, ref := range references {
		switch was := ref.(type) {
		case int64:
			if float64(was) == n {
				return was, nil // exact, where a float64 is not
			}
		case float64:
			if was == n {
				return was, nil
			}
		}
	}
	switch {
	case math.IsNaN(n) || math.IsInf(n, 0):
		return nil, fmt.Errorf("is %v, which no object can hold", n)
	case n == math.Trunc(n) && n >= -1<<63 && n < 1<<63:
		return int64(n), nil
	}
	return n, nil
}

func (r *reader) table(t *glua.LTable, references []any, path string) (any, bool, error) {
	origin, made := r.vm.origins[t]
	if made {
		references = append([]any{origin}, references...)
	}
	items, entries := 0, 0
	t.ForEach(func(key, _ glua.LValue) {
		if _, ok := key.(glua.LString); ok {
			entries++
		} else {
			items++
		}
	})
	switch {
	case items > 0 && entries > 0:
		return nil, false, fmt.Errorf("%s is a list and a map at a time", where(path))
	case items > 0:
		list, err := r.list(t, items, references, path)
		return list, true, err
	case entries > 0:
		m, err := r.entries(t, entries, references, path)
		return m, true, err
	}
	for _, ref := range references {
		switch was := ref.(type) {
		case []any:
			if made && onlyNulls(was) {
				return was, true, nil
			}
			return []any{}, true, nil
		case map[string]any:
			m, err := r.entries(t, 0, references, path)
			return m, true, err
		}
	}
	return nil, false, nil
}

func (r *reader) list(t *glua.LTable, items int, references []any, path string) ([]any, error) {
	if t.Len() != items {
		return nil, fmt.Errorf("%s is a list with holes", where(path))
	}
	origin, _ := r.vm.origins[t].([]any)
	nulls := 0
	for _, item := range origin {
		if item == nil {
			nulls++
		}
	}
	restore := nulls > 0 && items == len(origin)-nulls
	list := make([]any, 0, items)
	for i := 1; i <= items; i++ {
		for restore && origin[len(list)] == nil {
			list = append(list, nil)
		}
		item, known, err := r.value(t.RawGetInt(i), itemsAt(references, len(list)), path+"["+strconv.Itoa(i)+"]")
		if err != nil {
			return nil, err
		}
		if !known {
			item = map[string]any{}
		}
		list = append(list, item)
	}
	for restore && len(list) < len(origin) {
		list = append(list, nil)
	}
	return list, nil
}

func (r *reader) entries(t *glua.LTable, entries int, references []any, path string) (map[string]any, error) {
	m := make(map[string]any, entries)
	var failed error
	t.ForEach(func(key, value glua.LValue) {
		name, ok := key.(glua.LString)
		if failed != nil || !ok {
			return
		}
		if !utf8.ValidString(string(name)) {
			failed = fmt.Errorf("a key of %s is not valid UTF-8", where(path))
			return
		}
		item, known, err := r.value(value, entriesAt(references, string(name)), path+"."+string(name))
		if err != nil {
			failed = err
		} else if known {
			m[string(name)] = item
		}
	})
	if origin, ok := r.vm.origins[t].(map[string]any); ok {
		for name, was := range origin {
			if _, given := m[name]; !given && was == nil {
				m[name] = nil
			}
		}
	}
	return m, failed
}

func onlyNulls(list []any) bool {
	for _, item := range list {
		if item != nil {
			return false
		}
	}
	return true
}

func itemsAt(references []any, i int) []any {
	var at []any
	for _, ref := range references {
		if list, ok := ref.([]any); ok && i < len(list) {
			at = append(at, list[i])
		}
	}
	return at
}

func entriesAt(references []any, name string) []any {
	var at []any
	for _, ref := range references {
		if m, ok := ref.(map[string]any); ok {
			if value, given := m[name]; given {
				at = append(at, value)
			}
		}
	}
	return at
}
