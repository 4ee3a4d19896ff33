package strictjson_test

import (
	"encoding/json"
	"testing"

	"atoll.dev/atoll/pkg/strictjson"
)

type outer struct {
	Name  string          `json:"name"`
	Inner inner           `json:"inner"`
	List  []inner         `json:"list,omitempty"`
	Far   *inner          `json:"far,omitempty"`
	Raw   json.RawMessage `json:"raw,omitempty"`
}

type inner struct {
	A int `json:"a"`
	B int `json:"b"`
}

func TestUnmarshal(t *testing.T) {
	for name, c := range map[string]struct{ in, want string }{
		"all is known":       {`{"name":"","inner":{"a":0},"raw":{"any":[1]}}`, ""},
		"unknown":            {`{"nam":"x"}`, `is refused: unknown field "nam" (known are far, inner, list, name, raw)`},
		"unknown below":      {`{"inner":{"c":1}}`, `is refused: unknown field "inner.c" (known are a, b)`},
		"unknown in a list":  {`{"list":[{"a":1},{"c":1}]}`, `is refused: unknown field "list[1].c" (known are a, b)`},
		"unknown far":        {`{"far":{"c":1}}`, `is refused: unknown field "far.c" (known are a, b)`},
		"twice":              {`{"name":"x","name":"y"}`, `is refused: duplicate field "name"`},
		"case counts":        {`{"Name":"x"}`, `is refused: unknown field "Name" (known are far, inner, list, name, raw)`},
		"not of its type":    {`{"inner":{"a":"x"}}`, `cannot be decoded: json: cannot unmarshal string into Go struct field inner.inner.a of type int`},
		"not JSON":           {`{`, `cannot be decoded: unexpected end of JSON input`},
		"more than one wish": {`{"a":1,"b":2}`, "is refused: unknown field \"a\" (known are far, inner, list, name, raw)\nunknown field \"b\" (known are far, inner, list, name, raw)"},
	} {
		t.Run(name, func(t *testing.T) {
			into := outer{Name: "default", Inner: inner{A: 1, B: 2}}
			err := strictjson.Unmarshal([]byte(c.in), &into)
			if c.want == "" {
				if err != nil || into.Name != "" || into.Inner != (inner{A: 0, B: 2}) {
					t.Errorf("got %+v, %v: what is written counts, the rest is default", into, err)
				}
				return
			}
			if err == nil || err.Error() != c.want {
				t.Errorf("got  %v\nwant %s", err, c.want)
			}
		})
	}
}
