package dispatch

import (
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	utiljson "k8s.io/apimachinery/pkg/util/json"

	"atoll.dev/atoll/pkg/propagation/compact"
)

func TestHolds(t *testing.T) {
	for name, c := range map[string]struct {
		wanted, present string
		want            bool
	}{
		"equal":                            {`{"a":1,"b":["x"]}`, `{"a":1,"b":["x"]}`, true},
		"more fields":                      {`{"a":1}`, `{"a":1,"b":2}`, true},
		"another value":                    {`{"a":1}`, `{"a":2}`, false},
		"missing":                          {`{"a":1}`, `{}`, false},
		"false is not missing":             {`{"a":false}`, `{}`, false},
		"whole numbers of either type":     {`{"a":2}`, `{"a":2.0}`, true},
		"empty and missing":                {`{"a":{},"b":[],"c":null,"d":{"e":{}}}`, `{}`, true},
		"null and empty":                   {`{"a":null}`, `{"a":{}}`, true},
		"null and something":               {`{"a":null}`, `{"a":{"b":1}}`, false},
		"scalars: more":                    {`["a"]`, `["a","b"]`, false},
		"scalars: order":                   {`["a","b"]`, `["b","a"]`, false},
		"objects: injected before":         {`[{"n":"a"}]`, `[{"n":"x"},{"n":"a","d":1}]`, true},
		"objects: injected between":        {`[{"n":"a"},{"n":"b"}]`, `[{"n":"a"},{"n":"x"},{"n":"b"}]`, true},
		"objects: one changed":             {`[{"n":"a","v":1}]`, `[{"n":"a","v":2}]`, false},
		"objects: order":                   {`[{"n":"a"},{"n":"b"}]`, `[{"n":"b"},{"n":"a"}]`, false},
		"wanted empty, something there":    {`{"a":[]}`, `{"a":["x"]}`, false},
		"a list where an object is wanted": {`{"a":{"b":1}}`, `{"a":["b"]}`, false},
	} {
		var wanted, present any
		for text, into := range map[string]*any{c.wanted: &wanted, c.present: &present} {
			if err := utiljson.Unmarshal([]byte(text), into); err != nil {
				t.Fatal(err)
			}
		}
		if c.wanted == c.present {
			present = wanted
		}
		if got := holds(wanted, present); got != c.want {
			t.Errorf("%s: %t, want %t", name, got, c.want)
		}
	}
}

func object(t *testing.T, text string) *compact.Object {
	t.Helper()
	u := &unstructured.Unstructured{}
	if err := utiljson.Unmarshal([]byte(text), &u.Object); err != nil {
		t.Fatal(err)
	}
	o, err := compact.FromUnstructured(u)
	if err != nil {
		t.Fatal(err)
	}
	return o
}

// When a manifest need not be sent: the object is the one that we left; or its generation says that
// the specification is; or it carries our mark and all that we want.
func TestCurrent(t *testing.T) {
	m := manifest{hash: "h", Unstructured: &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "v1", "kind": "Thing",
		"metadata": map[string]any{"name": "a", "labels": map[string]any{"l": "1"}, "annotations": map[string]any{appliedAnnotation: "h"}},
		"spec":     map[string]any{"size": int64(1)},
	}}}
	const mark = `"annotations":{"atoll.dev/applied-manifest":"h"}`
	for name, c := range map[string]struct {
		object string
		memory memory
		want   bool
	}{
		"as we left it":                     {`{"metadata":{"uid":"u","resourceVersion":"5"}}`, memory{uid: "u", resourceVersion: "5", hash: "h"}, true},
		"another manifest now":              {`{"metadata":{"uid":"u","resourceVersion":"5","annotations":{"atoll.dev/applied-manifest":"old"}}}`, memory{uid: "u", resourceVersion: "5", hash: "old"}, false},
		"status changed":                    {`{"metadata":{"uid":"u","resourceVersion":"6","generation":2,"labels":{"l":"1"},` + mark + `}}`, memory{uid: "u", resourceVersion: "5", generation: 2, hash: "h"}, true},
		"label changed":                     {`{"metadata":{"uid":"u","resourceVersion":"6","generation":2,"labels":{"l":"2"},` + mark + `}}`, memory{uid: "u", resourceVersion: "5", generation: 2, hash: "h"}, false},
		"specification changed":             {`{"metadata":{"uid":"u","resourceVersion":"6","generation":3,"labels":{"l":"1"},` + mark + `},"spec":{"size":2}}`, memory{uid: "u", resourceVersion: "5", generation: 2, hash: "h"}, false},
		"another object of the name":        {`{"metadata":{"uid":"v","resourceVersion":"5"},"spec":{"size":1}}`, memory{uid: "u", resourceVersion: "5", hash: "h"}, false},
		"after a restart, in order":         {`{"apiVersion":"v1","kind":"Thing","metadata":{"name":"a","uid":"u","resourceVersion":"5","labels":{"l":"1","m":"2"},` + mark + `},"spec":{"size":1,"more":true}}`, memory{}, true},
		"after a restart, changed":          {`{"apiVersion":"v1","kind":"Thing","metadata":{"name":"a","uid":"u","resourceVersion":"5","labels":{"l":"1"},` + mark + `},"spec":{"size":2}}`, memory{}, false},
		"after a restart, applied for less": {`{"apiVersion":"v1","kind":"Thing","metadata":{"name":"a","uid":"u","resourceVersion":"5","labels":{"l":"1"},"annotations":{"atoll.dev/applied-manifest":"more"}},"spec":{"size":1}}`, memory{}, false},
	} {
		got, err := current(m, object(t, c.object), c.memory)
		if err != nil || got != c.want {
			t.Errorf("%s: %t, %v, want %t", name, got, err, c.want)
		}
	}
}
