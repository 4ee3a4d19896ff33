package framework_test

import (
	"context"
	"encoding/json"
	"slices"
	"testing"

	"atoll.dev/atoll/pkg/scheduler/framework"
)

func factory(context.Context, json.RawMessage, framework.Handle) (framework.Plugin, error) {
	return nil, nil
}

func TestRegister(t *testing.T) {
	const malformed = `: the name must begin with a letter and hold letters, digits and single ".", "/" or "-" between them, such as MaintenanceWindow or example.com/cost`
	for name, c := range map[string]struct {
		name    string
		factory framework.Factory
		want    string
	}{
		"a name":       {"MaintenanceWindow", factory, ""},
		"with domain":  {"example.com/lowest-cost", factory, ""},
		"empty":        {"", factory, `scheduler plugin ""` + malformed},
		"all plugins":  {"*", factory, `scheduler plugin "*"` + malformed},
		"digit first":  {"1st", factory, `scheduler plugin "1st"` + malformed},
		"space":        {"My Plugin", factory, `scheduler plugin "My Plugin"` + malformed},
		"ends in dot":  {"a.", factory, `scheduler plugin "a."` + malformed},
		"taken":        {"Taken", factory, `scheduler plugin "Taken": another plugin has this name: give each its own`},
		"without code": {"Nothing", nil, `scheduler plugin "Nothing": has no factory: give the function that makes it`},
	} {
		t.Run(name, func(t *testing.T) {
			r := framework.Registry{"Taken": factory}
			err := r.Register(c.name, c.factory)
			if c.want == "" {
				if err != nil || !slices.Contains(r.Names(), c.name) {
					t.Errorf("got %v and the names %v, want it among these", err, r.Names())
				}
				return
			}
			if err == nil || err.Error() != c.want {
				t.Errorf("got  %v\nwant %s", err, c.want)
			}
			if len(r) != 1 {
				t.Errorf("refused, and yet among %v", r.Names())
			}
		})
	}
}

func TestDecodeArgs(t *testing.T) {
	type arguments struct {
		Label string `json:"label"`
		Limit int    `json:"limit"`
	}
	defaults := arguments{"zone", 3}
	for name, c := range map[string]struct {
		args string
		want arguments
		err  string
	}{
		"none":        {"", defaults, ""},
		"null":        {" null ", defaults, ""},
		"empty":       {"{}", defaults, ""},
		"one of them": {`{"label":"rack"}`, arguments{"rack", 3}, ""},
		"zero counts": {`{"limit":0}`, arguments{"zone", 0}, ""},
		"unknown":     {`{"limits":1}`, defaults, `is refused: unknown field "limits" (known are label, limit)`},
		"wrong type":  {`{"limit":"x"}`, defaults, "cannot be decoded: json: cannot unmarshal string into Go struct field arguments.limit of type int"},
		"a list":      {`[]`, defaults, "cannot be decoded: json: cannot unmarshal array into Go value of type framework_test.arguments"},
	} {
		t.Run(name, func(t *testing.T) {
			got := defaults
			err := framework.DecodeArgs(json.RawMessage(c.args), &got)
			if message(err) != c.err || got != c.want {
				t.Errorf("got  %+v, %v\nwant %+v, %s", got, err, c.want, c.err)
			}
		})
	}
}

func TestNoArgs(t *testing.T) {
	for args, want := range map[string]string{
		"": "", "null": "", `{}`: "the plugin takes no arguments: leave them out", `{"a":1}`: "the plugin takes no arguments: leave them out",
	} {
		if err := framework.NoArgs(json.RawMessage(args)); message(err) != want {
			t.Errorf("%q: got %v, want %s", args, err, want)
		}
	}
}

func message(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}
