package dispatch

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	utiljson "k8s.io/apimachinery/pkg/util/json"
)

func TestPauses(t *testing.T) {
	now, version := time.Unix(1e9, 0), 0
	var c contest
	correct := func(hash string, after time.Duration) (time.Duration, bool) {
		now = now.Add(after)
		version++
		return c.pause(now, hash, fmt.Sprint(version), []string{".a"})
	}
	want := func(what string, rest, wantRest time.Duration, begun, wantBegun bool) {
		t.Helper()
		if rest != wantRest || begun != wantBegun {
			t.Fatalf("%s: rest %s, begun %t; want %s, %t", what, rest, begun, wantRest, wantBegun)
		}
	}
	for range 20 { // by hand, now and then
		rest, begun := correct("m", contestWindow/contestedAfter)
		want("once a minute", rest, 0, begun, false)
	}
	now = now.Add(contestWindow)
	for range contestedAfter {
		rest, begun := correct("m", time.Second)
		want("in quick succession", rest, 0, begun, false)
		rest, begun = c.pause(now, "m", fmt.Sprint(version), []string{".a"})
		want("the same again, having failed", rest, 0, begun, false)
	}
	for i, pause := range []time.Duration{firstPause, 2 * firstPause, 4 * firstPause, 8 * firstPause, 16 * firstPause, 32 * firstPause, longestPause, longestPause} {
		rest, begun := correct("m", time.Second)
		want("once too often", rest, pause, begun, true)
		rest, begun = correct("m", time.Second)
		want("within the pause", rest, pause-time.Second, begun, false)
		rest, begun = correct("m", rest)
		want(fmt.Sprintf("after pause %d", i), rest, 0, begun, false)
		if again := c.agreed(now); again != contestWindow {
			t.Fatalf("after a correction it is looked at again in %s, want %s", again, contestWindow)
		}
	}
	rest, begun := correct("m", time.Second)
	want("once more", rest, longestPause, begun, true)
	rest, begun = correct("other", 0)
	want("the template has changed", rest, 0, begun, false)
	if c.pauses != 0 {
		t.Error("it is contested still")
	}
}

func TestContestEnds(t *testing.T) {
	start := time.Unix(1e9, 0)
	for name, end := range map[string]time.Time{
		"they give in during the pause": start.Add(firstPause / 2),
		"our correction stands":         start.Add(firstPause + contestWindow),
	} {
		c := contest{pauses: 1, until: start.Add(firstPause), last: start}
		if again := c.agreed(end); again != 0 || c.pauses != 0 {
			t.Errorf("%s: %+v, look again in %s", name, c, again)
		}
	}
}

func TestDifferencesAndTheirManagers(t *testing.T) {
	for name, c := range map[string]struct {
		wanted, present string
		fields          []string
		managed         string
		managers        []string
	}{
		"a scalar":     {`{"spec":{"a":1,"b":2}}`, `{"spec":{"a":1,"b":3}}`, []string{".spec.b"}, `{"f:spec":{"f:b":{}}}`, []string{"they"}},
		"not theirs":   {`{"spec":{"a":1,"b":2}}`, `{"spec":{"a":1,"b":3}}`, []string{".spec.b"}, `{"f:spec":{"f:a":{},"f:bb":{}}}`, nil},
		"missing":      {`{"spec":{"a":{"x":1}}}`, `{}`, []string{".spec.a.x"}, `{}`, nil},
		"in a list":    {`{"c":[{"name":"a","v":1},{"name":"b","v":1}]}`, `{"c":[{"name":"b","v":2},{"name":"a","v":1}]}`, []string{`.c[name="b"].v`}, `{"f:c":{"k:{\"name\":\"b\"}":{"f:v":{}}}}`, []string{"they"}},
		"a whole list": {`{"c":["a"]}`, `{"c":["b"]}`, []string{".c"}, `{"f:c":{}}`, []string{"they"}},
		"order only":   {`{"c":[{"name":"a"},{"name":"b"}]}`, `{"c":[{"name":"b"},{"name":"a"}]}`, []string{".c"}, `{"f:c":{"k:{\"name\":\"b\"}":{".":{}}}}`, []string{"they"}},
	} {
		var wanted, present any
		for text, into := range map[string]*any{c.wanted: &wanted, c.present: &present} {
			if err := utiljson.Unmarshal([]byte(text), into); err != nil {
				t.Fatal(err)
			}
		}
		fields := differences(wanted, present, "", nil)
		if diff := cmp.Diff(c.fields, fields); diff != "" {
			t.Errorf("%s: fields (-want +got): %s", name, diff)
		}
		entry := metav1.ManagedFieldsEntry{Manager: "they", FieldsV1: &metav1.FieldsV1{Raw: []byte(c.managed)}}
		ours := entry
		ours.Manager = "atoll"
		if diff := cmp.Diff(c.managers, managersOf(fields, []metav1.ManagedFieldsEntry{entry, ours})); diff != "" {
			t.Errorf("%s: managers (-want +got): %s", name, diff)
		}
	}
}
