package aggregate

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	workv1alpha1 "github.com/karmada-io/karmada/pkg/apis/work/v1alpha1"
	workv1alpha2 "github.com/karmada-io/karmada/pkg/apis/work/v1alpha2"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/sets"

	"atoll.dev/atoll/apis/karmada/wellknown"
)

func workIn(cluster string, applied metav1.ConditionStatus, message, status string) workv1alpha1.Work {
	w := workv1alpha1.Work{ObjectMeta: metav1.ObjectMeta{Namespace: wellknown.ExecutionNamespace(cluster), Name: "w"}}
	if applied != "" {
		w.Status.Conditions = []metav1.Condition{{Type: workv1alpha1.WorkApplied, Status: applied, Message: message}}
	}
	if status != "" {
		w.Status.ManifestStatuses = []workv1alpha1.ManifestStatus{{
			Identifier: workv1alpha1.ResourceIdentifier{Group: "apps", Version: "v1", Kind: "Deployment", Namespace: "shop", Name: "web"},
			Status:     &runtime.RawExtension{Raw: []byte(status)}, Health: workv1alpha1.ResourceHealthy,
		}}
	}
	return w
}

func TestItems(t *testing.T) {
	leaving := workIn("d", metav1.ConditionTrue, "", "")
	leaving.DeletionTimestamp = &metav1.Time{}
	*leaving.DeletionTimestamp = metav1.Now()
	got := itemsOf([]workv1alpha1.Work{
		workIn("c", metav1.ConditionFalse, "quota exceeded", `{"replicas":9}`), // what is out of date is not shown
		workIn("a", metav1.ConditionTrue, "fine", `{"replicas":2}`),
		workIn("b", "", "", ""),
		leaving,
	}, workv1alpha2.ObjectReference{APIVersion: "apps/v1", Kind: "Deployment", Namespace: "shop", Name: "web"})
	want := []workv1alpha2.AggregatedStatusItem{
		{ClusterName: "a", Applied: true, Health: workv1alpha2.ResourceHealthy, Status: &runtime.RawExtension{Raw: []byte(`{"replicas":2}`)}},
		{ClusterName: "b", Health: workv1alpha2.ResourceUnknown},
		{ClusterName: "c", AppliedMessage: "quota exceeded", Health: workv1alpha2.ResourceUnknown},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error("items (-want +got):", diff)
	}
}

func TestRefusals(t *testing.T) {
	item := func(cluster string, applied bool, message, status string) workv1alpha2.AggregatedStatusItem {
		i := workv1alpha2.AggregatedStatusItem{ClusterName: cluster, Applied: applied, AppliedMessage: message, Health: workv1alpha2.ResourceUnknown}
		if status != "" {
			i.Status, i.Health = &runtime.RawExtension{Raw: []byte(status)}, workv1alpha2.ResourceHealthy
		}
		return i
	}
	got := withRefusals([]workv1alpha2.AggregatedStatusItem{item("b", true, "", `{"replicas":2}`), item("c", true, "", `{"replicas":3}`)},
		map[string]string{"a": "too large", "b": "no such path"})
	want := []workv1alpha2.AggregatedStatusItem{
		item("a", false, "too large", ""), item("b", false, "no such path", `{"replicas":2}`), item("c", true, "", `{"replicas":3}`),
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error("items (-want +got):", diff)
	}
}

func TestNews(t *testing.T) {
	const healthy, unhealthy, unknown = workv1alpha2.ResourceHealthy, workv1alpha2.ResourceUnhealthy, workv1alpha2.ResourceUnknown
	item := func(applied bool, health workv1alpha2.ResourceHealth, status string) workv1alpha2.AggregatedStatusItem {
		i := workv1alpha2.AggregatedStatusItem{ClusterName: "a", Applied: applied, Health: health}
		if status != "" {
			i.Status = &runtime.RawExtension{Raw: []byte(status)}
		}
		return i
	}
	for name, c := range map[string]struct {
		was, is workv1alpha2.AggregatedStatusItem
		want    bool
	}{
		"numbers":          {item(true, healthy, "1"), item(true, healthy, "2"), false},
		"its first status": {item(true, unhealthy, ""), item(true, unhealthy, "1"), true},
		"applied":          {item(false, unknown, ""), item(true, healthy, ""), true},
		"refused":          {item(true, healthy, "1"), item(false, healthy, "1"), true},
		"unhealthy":        {item(true, healthy, "1"), item(true, unhealthy, "1"), true},
		"lost":             {item(true, healthy, "1"), item(true, unknown, "1"), false},
		"back":             {item(true, unknown, "1"), item(true, healthy, "1"), false},
	} {
		if got := news([]workv1alpha2.AggregatedStatusItem{c.was}, []workv1alpha2.AggregatedStatusItem{c.is}); got != c.want {
			t.Errorf("%s: %t, want %t", name, got, c.want)
		}
	}
	if !news(nil, []workv1alpha2.AggregatedStatusItem{item(false, unknown, "")}) {
		t.Error("a new cluster is no news")
	}
}

// The bytes written of one binding's status in a second are bounded, whatever the number of clusters.
func TestRest(t *testing.T) {
	for _, c := range []struct{ clusters, bytes int }{{1, 100}, {3, 300}, {100, 150}, {1000, 150}, {1000, 3000}, {5000, 0}} {
		var items []workv1alpha2.AggregatedStatusItem
		for i := range c.clusters {
			items = append(items, workv1alpha2.AggregatedStatusItem{ClusterName: fmt.Sprint("member", i), Applied: true, Health: workv1alpha2.ResourceHealthy})
			if c.bytes > 0 {
				raw, _ := json.Marshal(strings.Repeat("x", c.bytes-2))
				items[i].Status = &runtime.RawExtension{Raw: raw}
			}
		}
		raw, err := json.Marshal(items)
		if err != nil {
			t.Fatal(err)
		}
		const window = 100 * time.Millisecond // propagation.DefaultSettleWindow
		perSecond := float64(len(raw)) / max(window, rest(items)).Seconds()
		if perSecond > 1.05*bytesPerSecond {
			t.Errorf("%d clusters with %d bytes each: %.0f bytes in a second after a rest of %s, want at most %d",
				c.clusters, c.bytes, perSecond, rest(items), bytesPerSecond)
		}
		if c.clusters <= 100 && rest(items) > 2*window {
			t.Errorf("%d clusters with %d bytes each: a rest of %s, want no more than two windows", c.clusters, c.bytes, rest(items))
		}
	}
}

func TestUnexplained(t *testing.T) {
	started := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	applied := func(at time.Time) []workv1alpha1.Work {
		w := workIn("a", metav1.ConditionTrue, "", "")
		w.Status.Conditions[0].LastTransitionTime = metav1.NewTime(at)
		return []workv1alpha1.Work{w}
	}
	refused := []workv1alpha2.AggregatedStatusItem{{ClusterName: "a", AppliedMessage: "too large"}}
	accepted := []workv1alpha2.AggregatedStatusItem{{ClusterName: "a", Applied: true}}
	for name, c := range map[string]struct {
		was, is []workv1alpha2.AggregatedStatusItem
		works   []workv1alpha1.Work
		cluster string
		want    bool
	}{
		"no Work yet":                       {refused, nil, nil, "a", true},
		"an old Work":                       {refused, accepted, applied(started.Add(-time.Second)), "a", true},
		"applied since":                     {refused, accepted, applied(started), "a", false},
		"refused again":                     {refused, refused, nil, "a", false},
		"it was not refused":                {accepted, nil, nil, "a", false},
		"its cluster is not asked any more": {refused, nil, nil, "b", false},
	} {
		if got := unexplained(c.was, c.is, c.works, sets.New(c.cluster), started); got != c.want {
			t.Errorf("%s: %t, want %t", name, got, c.want)
		}
	}
}

func TestMarkStale(t *testing.T) {
	status := &runtime.RawExtension{Raw: []byte(`{"replicas":2}`)}
	given := []workv1alpha2.AggregatedStatusItem{
		{ClusterName: "a", Applied: true, Health: workv1alpha2.ResourceHealthy, Status: status},
		{ClusterName: "b", Health: workv1alpha2.ResourceUnknown, AppliedMessage: "quota exceeded"},
		{ClusterName: "c", Applied: true, Health: workv1alpha2.ResourceUnhealthy, Status: status},
	}
	since := metav1.Date(2026, 1, 2, 3, 4, 5, 0, time.FixedZone("", 3600))
	lost := map[string]metav1.Time{"a": since, "b": since}
	markStale(given, lost)
	want := []workv1alpha2.AggregatedStatusItem{
		{ClusterName: "a", Applied: true, Health: workv1alpha2.ResourceUnknown, Status: status,
			AppliedMessage: "Cluster a has not been ready since 2026-01-02T02:04:05Z: this is the last that was heard of it."},
		{ClusterName: "b", Health: workv1alpha2.ResourceUnknown,
			AppliedMessage: "Cluster b has not been ready since 2026-01-02T02:04:05Z: this is the last that was heard of it. quota exceeded"},
		{ClusterName: "c", Applied: true, Health: workv1alpha2.ResourceUnhealthy, Status: status},
	}
	if diff := cmp.Diff(want, given); diff != "" {
		t.Error("items (-want +got):", diff)
	}
	counted := current(given, lost)
	if counted[0].Status != nil || counted[2].Status == nil || given[0].Status == nil {
		t.Errorf("what counts is %+v, want the status of c alone", counted)
	}
}

func TestFullyApplied(t *testing.T) {
	for name, c := range map[string]struct {
		applied  map[string]bool
		clusters []string
		want     metav1.ConditionStatus
	}{
		"all":           {map[string]bool{"a": true, "b": true}, []string{"a", "b"}, metav1.ConditionTrue},
		"one not":       {map[string]bool{"a": true, "b": false}, []string{"a", "b"}, metav1.ConditionFalse},
		"one missing":   {map[string]bool{"a": true}, []string{"a", "b"}, metav1.ConditionFalse},
		"one too many":  {map[string]bool{"a": true, "b": true}, []string{"a"}, metav1.ConditionFalse},
		"another":       {map[string]bool{"b": true}, []string{"a"}, metav1.ConditionFalse},
		"not scheduled": {nil, nil, metav1.ConditionFalse},
	} {
		var items []workv1alpha2.AggregatedStatusItem
		for cluster, applied := range c.applied {
			items = append(items, workv1alpha2.AggregatedStatusItem{ClusterName: cluster, Applied: applied})
		}
		if got := fullyApplied(items, sets.New(c.clusters...)); got.Status != c.want {
			t.Errorf("%s: %s, want %s", name, got.Status, c.want)
		}
	}
}

func TestStatusPatch(t *testing.T) {
	for name, c := range map[string]struct {
		was    string
		wanted map[string]any
		want   string
	}{
		"nothing new":             {`{"replicas":2}`, map[string]any{"replicas": int64(2), "readyReplicas": int64(0), "conditions": []any{}}, ""},
		"nothing at all":          {"", map[string]any{"replicas": int64(0)}, ""},
		"a zero that was said":    {`{"replicas":0,"active":[]}`, map[string]any{}, ""},
		"first":                   {"", map[string]any{"replicas": int64(2)}, `{"status":{"replicas":2}}`},
		"changed":                 {`{"replicas":2,"readyReplicas":1}`, map[string]any{"replicas": int64(2), "readyReplicas": int64(2)}, `{"status":{"readyReplicas":2}}`},
		"to zero":                 {`{"replicas":2}`, map[string]any{"replicas": int64(0)}, `{"status":{"replicas":0}}`},
		"gone":                    {`{"active":[{"name":"a"}]}`, map[string]any{}, `{"status":{"active":null}}`},
		"gone inside":             {`{"loadBalancer":{"ingress":[{"ip":"1.2.3.4"}]}}`, map[string]any{"loadBalancer": map[string]any{}}, `{"status":{"loadBalancer":{"ingress":null}}}`},
		"what others wrote stays": {`{"conditions":[{"type":"X"}],"replicas":1}`, map[string]any{"conditions": []any{map[string]any{"type": "X"}}, "replicas": int64(2)}, `{"status":{"replicas":2}}`},
	} {
		got, err := statusPatch([]byte(c.was), c.wanted)
		if c.was == "" {
			got, err = statusPatch(nil, c.wanted)
		}
		if err != nil || string(got) != c.want {
			t.Errorf("%s: %s, %v, want %s", name, got, err, c.want)
		}
	}
}
