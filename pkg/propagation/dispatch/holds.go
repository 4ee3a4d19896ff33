package dispatch

// holds tells whether all that is wanted is present: what the manifest gives has the same value in
// the live object, which may have more. It knows no schema. Lists of objects may have more elements
// between the wanted ones (injected containers), other lists must be equal. What is wanted empty may
// be absent. A wrong "no" costs a request that changes nothing; a wrong "yes" would have to come
// from an element added inside a list that is applied as a whole.
func holds(wanted, present any) bool {
	switch w := wanted.(type) {
	case nil:
		return present == nil || empty(present)
	case map[string]any:
		p, ok := present.(map[string]any)
		if !ok {
			return present == nil && empty(w)
		}
		for field, value := range w {
			if !holds(value, p[field]) {
				return false
			}
		}
		return true
	case []any:
		p, ok := present.([]any)
		if !ok {
			return present == nil && len(w) == 0
		}
		return holdsList(w, p)
	}
	return equalScalar(wanted, present)
}

func holdsList(wanted, present []any) bool {
	if len(wanted) == 0 {
		return len(present) == 0
	}
	if _, objects := wanted[0].(map[string]any); !objects {
		if len(wanted) != len(present) {
			return false
		}
		for i := range wanted {
			if !holds(wanted[i], present[i]) {
				return false
			}
		}
		return true
	}
	next := 0
	for _, w := range wanted {
		for next < len(present) && !holds(w, present[next]) {
			next++
		}
		if next == len(present) {
			return false
		}
		next++
	}
	return true
}

// equalScalar takes 2 and 2.0 for the same number: decoders differ.
func equalScalar(a, b any) bool {
	if a == b {
		return true
	}
	x, okX := number(a)
	y, okY := number(b)
	return okX && okY && x == y
}

func number(v any) (float64, bool) {
	switch n := v.(type) {
	case int64:
		return float64(n), true
	case float64:
		return n, true
	}
	return 0, false
}

func empty(v any) bool {
	switch x := v.(type) {
	case nil:
		return true
	case map[string]any:
		for _, value := range x {
			if !empty(value) {
				return false
			}
		}
		return true
	case []any:
		return len(x) == 0
	}
	return false
}
