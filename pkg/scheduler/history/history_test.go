package history

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	workv1alpha2 "github.com/karmada-io/karmada/pkg/apis/work/v1alpha2"

	"atoll.dev/atoll/apis/karmada/wellknown"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

type targets = []workv1alpha2.TargetCluster

func TestMoved(t *testing.T) {
	for _, c := range []struct {
		name     string
		from, to targets
		want     string
	}{
		{"nothing", targets{{Name: "a", Replicas: 1}}, targets{{Name: "a", Replicas: 1}}, ""},
		{"placed first", nil, targets{{Name: "b", Replicas: 2}, {Name: "a", Replicas: 1}}, "+a:1 +b:2"},
		{"from one to another", targets{{Name: "a", Replicas: 3}, {Name: "b", Replicas: 1}}, targets{{Name: "b", Replicas: 2}, {Name: "c", Replicas: 2}}, "+b:1 +c:2 -a:3"},
		{"without replicas", targets{{Name: "a"}, {Name: "b"}}, targets{{Name: "b"}, {Name: "c"}}, "+c -a"},
	} {
		if got, more := Moved(c.from, c.to); got != c.want || more != 0 {
			t.Errorf("%s: moved %q and %d more, want %q and none", c.name, got, more, c.want)
		}
	}
}

func TestAddKeepsTheNewest(t *testing.T) {
	annotations := map[string]string{}
	for i := range Kept + 3 {
		d := New(noon.Add(time.Duration(i)*time.Minute+time.Millisecond), fmt.Sprintf("of <reason> %d & more", i), nil, targets{{Name: "a", Replicas: int32(i + 1)}}, int32(i+1), "g")
		annotations[wellknown.DecisionsAnnotation] = Add(annotations, d)
	}
	got := Of(annotations)
	if len(got) != Kept {
		t.Fatalf("%d decisions kept, want %d", len(got), Kept)
	}
	for i, d := range got {
		n := Kept + 2 - i
		want := Decision{Time: noon.Add(time.Duration(n) * time.Minute), Cause: fmt.Sprintf("of <reason> %d & more", n), Moved: fmt.Sprintf("+a:%d", n+1), Replicas: int32(n + 1), Group: "g"}
		if !reflect.DeepEqual(d, want) {
			t.Errorf("decision %d is %+v, want %+v", i, d, want)
		}
	}
}

func TestSizeIsBounded(t *testing.T) {
	var many targets
	for i := range 5000 {
		many = append(many, workv1alpha2.TargetCluster{Name: fmt.Sprintf("cluster-%04d", i), Replicas: 1})
	}
	annotations := map[string]string{}
	for range 2 * Kept {
		d := New(noon, strings.Repeat("\"\\é\n", 1000), nil, many, 5000, strings.Repeat("g", 1000))
		annotations[wellknown.DecisionsAnnotation] = Add(annotations, d)
	}
	if got := len(annotations[wellknown.DecisionsAnnotation]); got > 8<<10 {
		t.Errorf("%d bytes, want at most 8 KiB", got)
	}
	got := Of(annotations)
	if len(got) != Kept {
		t.Fatalf("%d decisions read back, want %d", len(got), Kept)
	}
	if named := len(strings.Fields(got[0].Moved)); named == 0 || named+got[0].More != 5000 {
		t.Errorf("%d clusters named and %d more, want 5000 in all", named, got[0].More)
	}
	if !strings.HasSuffix(got[0].Cause, "…") || strings.Contains(got[0].Cause, "\n") {
		t.Errorf("the cause is not clipped to one line: %q", got[0].Cause)
	}
}

func TestGarbageIsIgnored(t *testing.T) {
	good := `{"time":"2026-03-01T12:00:00Z","cause":"of something","moved":"+a:1"}`
	for _, c := range []struct {
		name, value string
		want        int
	}{
		{"none", "", 0},
		{"no JSON", "}{", 0},
		{"another type", `{"time":"2026-03-01T12:00:00Z"}`, 0},
		{"an entry of another type", `[7,` + good + `,"x",null]`, 1},
		{"an entry without a cause", `[{"time":"2026-03-01T12:00:00Z"},` + good + `]`, 1},
		{"an entry with a time that is none", `[{"time":"noon","cause":"x"},` + good + `]`, 1},
		{"too many", `[` + strings.Repeat(good+",", 20) + good + `]`, Kept},
		{"too long", `[` + strings.Repeat(good+",", 2000) + good + `]`, 0},
	} {
		annotations := map[string]string{wellknown.DecisionsAnnotation: c.value}
		if got := Of(annotations); len(got) != c.want {
			t.Errorf("%s: %d decisions, want %d", c.name, len(got), c.want)
		}
		annotations[wellknown.DecisionsAnnotation] = Add(annotations, New(noon, "of another thing", nil, targets{{Name: "b"}}, 0, ""))
		if got := Of(annotations); len(got) != min(c.want+1, Kept) || got[0].Moved != "+b" {
			t.Errorf("%s: with one more %+v", c.name, got)
		}
	}
}
