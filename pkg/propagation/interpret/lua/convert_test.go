package lua

import (
	"encoding/json"
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	glua "github.com/yuin/gopher-lua"
	utiljson "k8s.io/apimachinery/pkg/util/json"
)

func freshVM() *vm {
	v := newVM(Limits{}.withDefaults(), nil)
	v.origins = map[*glua.LTable]any{}
	return v
}

func decode(t testing.TB, text string) any {
	t.Helper()
	var value any
	if err := utiljson.Unmarshal([]byte(text), &value); err != nil {
		t.Fatal(err)
	}
	return value
}

// What a script is given and returns untouched is the same.
func TestIdentity(t *testing.T) {
	for _, text := range []string{
		`{}`, `[]`, `null`, `"x"`, `true`, `0`, `-1`, `1.5`, `2.0`, `1e300`, `9007199254740993`, `-9223372036854775808`, `9223372036854775807`,
		`{"a":{},"b":[],"c":[{}],"d":[[]],"e":{"f":{}}}`,
		`{"a":null,"b":[null],"c":[1,null,2],"d":[null,null]}`,
		`{"1":"a","2":"b"}`, `[[1,2],[3]]`, `{"n":[1,1.0,1.5,9007199254740993]}`, `{"":"empty key"}`,
		`"\u0000\n\"é"`,
	} {
		v := freshVM()
		want := decode(t, text)
		in, err := v.toLua(want)
		if err != nil {
			t.Fatal(err)
		}
		got, err := v.fromLua(in, want)
		if err != nil || !cmp.Equal(got, want) {
			t.Errorf("%s comes back as %#v, %v", text, got, err)
		}
	}
}

func FuzzIdentity(f *testing.F) {
	for _, seed := range []string{`{"a":[{},[],null,1.0,9007199254740993]}`, `[]`, `[null,[null]]`, `{"a":{"b":{"c":[1,"x",true]}}}`, `-0`, `{"a":-0.0}`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		var want any
		if len(text) > 1<<16 || utiljson.Unmarshal([]byte(text), &want) != nil {
			return
		}
		v := freshVM()
		in, err := v.toLua(want)
		if err != nil {
			t.Fatalf("%s cannot go in: %v", text, err)
		}
		got, err := v.fromLua(in, want)
		if err != nil {
			if strings.Contains(err.Error(), "nested more than") {
				return
			}
			t.Fatalf("%s cannot come out: %v", text, err)
		}
		if !cmp.Equal(got, want) {
			a, _ := json.Marshal(got)
			t.Fatalf("%s comes out as %s: %s", text, a, cmp.Diff(want, got))
		}
	})
}

// convert runs a function body with the arguments a and b and returns what it returns.
func convert(t *testing.T, body string, a, b any) (any, error) {
	t.Helper()
	var got any
	s := NewEngine(Options{}).compile("test", testRule, "function Test(a, b)\n"+body+"\nend")
	err := s.run(t.Context(), 1, []any{a, b}, func(v *vm, out []glua.LValue) (err error) {
		got, err = v.fromLua(out[0], a, b)
		return err
	})
	return got, err
}

func TestConversion(t *testing.T) {
	a, b := `{"list":[],"map":{},"full":[1,2],"n":1,"f":2.0,"big":9007199254740993,"items":[{"tags":[]},{"tags":["x"]}]}`, `{"more":[],"list":["y"]}`
	for name, c := range map[string]struct{ body, want string }{
		"untouched":                          {`return a`, a},
		"moved, a list stays a list":         {`return {x = a.list, y = a.map}`, `{"x":[],"y":{}}`},
		"from the other argument":            {`a.more = b.more return {more = a.more}`, `{"more":[]}`},
		"emptied list":                       {`table.remove(a.full) table.remove(a.full) return {full = a.full}`, `{"full":[]}`},
		"emptied map":                        {`local m = {x = {y = 1}} m.x.y = nil return m`, `{}`},
		"new where a list was":               {`return {list = {}}`, `{"list":[]}`},
		"new where a map was":                {`return {map = {}}`, `{"map":{}}`},
		"new where nothing was is left out":  {`return {other = {}, n = 1}`, `{"n":1}`},
		"new in a list":                      {`return {new = {{}}}`, `{"new":[{}]}`},
		"new within a list":                  {`a.items[3] = {tags = {}} return {items = a.items}`, `{"items":[{"tags":[]},{"tags":["x"]},{}]}`},
		"nothing at all":                     {`return {}`, `{}`},
		"list":                               {`return {1, 2, {3}}`, `[1,2,[3]]`},
		"integers":                           {`return {x = 4 / 2, y = 5 / 2, z = 2 ^ 40}`, `{"x":2,"y":2.5,"z":1099511627776}`},
		"a fraction stays one":               {`a.f = a.f + 0 return {f = a.f}`, `{"f":2.0}`},
		"an integer that floats cannot hold": {`return {big = a.big}`, `{"big":9007199254740993}`},
		"appended":                           {`table.insert(a.full, 3) return {full = a.full}`, `{"full":[1,2,3]}`},
		"nil ends nothing":                   {`return {x = nil, y = 1}`, `{"y":1}`},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := convert(t, c.body, decode(t, a), decode(t, b))
			if want := decode(t, c.want); err != nil || !cmp.Equal(got, want) {
				t.Errorf("%s\ngives %v, want (-) and got (+):\n%s", c.body, err, cmp.Diff(want, got))
			}
		})
	}
}

func TestNotConvertible(t *testing.T) {
	for body, want := range map[string]string{
		`return {f = function() end}`:                         "f is a function, which no object can hold",
		`return {a = {b = {print}}}`:                          "a.b[1] is a function",
		`return {1, a = 2}`:                                   "the result is a list and a map at a time",
		`return {[1] = 1, [3] = 3}`:                           "the result is a list with holes",
		`return {x = {[1.5] = 1}}`:                            "x is a list with holes",
		`return {x = 0 / 0}`:                                  "x is NaN",
		`return {x = 1 / 0}`:                                  "x is +Inf",
		`local t = {} t.t = t return t`:                       "contains itself",
		`return {x = "\255"}`:                                 "x is not valid UTF-8",
		`return {["\255"] = 1}`:                               "a key of the result is not valid UTF-8",
		`local t = {} for i = 1, 200 do t = {t} end return t`: "nested more than 100 deep",
	} {
		if _, err := convert(t, body, nil, nil); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s\nfails with %v, want %q", body, err, want)
		}
	}
}

func TestNumbers(t *testing.T) {
	for _, c := range []struct {
		in   float64
		refs []any
		want any
	}{
		{1, nil, int64(1)}, {1.5, nil, 1.5}, {1, []any{1.0}, 1.0}, {2, []any{1.0}, int64(2)},
		{float64(1<<53 + 1), []any{int64(1<<53 + 1)}, int64(1<<53 + 1)}, {1 << 63, nil, float64(1 << 63)}, {math.MinInt64, nil, int64(math.MinInt64)},
		{1, []any{"x", int64(1)}, int64(1)},
	} {
		if got, err := number64(c.in, c.refs); err != nil || got != c.want {
			t.Errorf("%v among %v is %#v, %v, want %#v", c.in, c.refs, got, err, c.want)
		}
	}
}
