package nativekinds

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/dynamic"

	workv1alpha2 "github.com/karmada-io/karmada/pkg/apis/work/v1alpha2"

	"atoll.dev/atoll/apis/karmada/wellknown"
	"atoll.dev/atoll/apis/scheduling/decision"
)

// postDecision sends a decision about a binding and returns the status code, and the outcome or the refusal.
func postDecision(t *testing.T, b *unstructured.Unstructured, d *decision.Decision, query string) (int, *decision.Outcome, string) {
	t.Helper()
	d.SetGroupVersionKind(decision.SchemeGroupVersion.WithKind("Decision"))
	path := "/apis/work.karmada.io/v1alpha2/clusterresourcebindings/" + b.GetName()
	if b.GetNamespace() != "" {
		path = "/apis/work.karmada.io/v1alpha2/namespaces/" + b.GetNamespace() + "/resourcebindings/" + b.GetName()
	}
	response := must(http.Post(plane.config.Host+path+"/schedule"+query, "application/json", strings.NewReader(string(must(json.Marshal(d))))))
	defer response.Body.Close()
	body := must(io.ReadAll(response.Body))
	if response.StatusCode != http.StatusCreated {
		var status metav1.Status
		if err := json.Unmarshal(body, &status); err != nil {
			t.Fatalf("%d %s", response.StatusCode, body)
		}
		return response.StatusCode, nil, status.Message
	}
	answer := &decision.Decision{}
	if err := json.Unmarshal(body, answer); err != nil || answer.Outcome == nil {
		t.Fatalf("answer %s: %v", body, err)
	}
	return response.StatusCode, answer.Outcome, ""
}

// typed returns spec and status of a binding of either kind.
func typed(t *testing.T, u *unstructured.Unstructured) *workv1alpha2.ResourceBinding {
	t.Helper()
	b := &workv1alpha2.ResourceBinding{}
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(u.Object, b); err != nil {
		t.Fatal(err)
	}
	return b
}

func decided(b *unstructured.Unstructured) *decision.Decision {
	at := metav1.NewTime(time.Unix(1_700_000_000, 0))
	return &decision.Decision{
		Basis:         decision.Basis{UID: b.GetUID(), Generation: b.GetGeneration()},
		Placement:     &decision.Placement{Clusters: []workv1alpha2.TargetCluster{{Name: "a", Replicas: 1}, {Name: "b", Replicas: 2}}},
		Annotations:   map[string]string{wellknown.AppliedPlacementAnnotation: "{}"},
		Condition:     &metav1.Condition{Type: workv1alpha2.Scheduled, Status: metav1.ConditionTrue, Reason: "Success", LastTransitionTime: at},
		Observed:      true,
		AffinityName:  "first",
		ScheduledTime: &at,
	}
}

// schedulable runs a test with a new binding of each scope.
func schedulable(t *testing.T, test func(*testing.T, dynamic.ResourceInterface, *unstructured.Unstructured)) {
	for _, c := range []struct{ kind, resource string }{
		{"resourcebinding", "resourcebindings"}, {"clusterresourcebinding", "clusterresourcebindings"},
	} {
		t.Run(c.resource, func(t *testing.T) {
			r := client(t, c.resource, v1alpha2)
			b := sample(t, c.kind)
			unstructured.RemoveNestedField(b.Object, "spec", "clusters")
			test(t, r, must(r.Create(context.Background(), b, metav1.CreateOptions{})))
		})
	}
}

// TestDecisionIsOneWrite applies a decision to a binding that others have written to,
// and wants all of it in one version and nothing of theirs lost.
func TestDecisionIsOneWrite(t *testing.T) {
	schedulable(t, func(t *testing.T, r dynamic.ResourceInterface, b *unstructured.Unstructured) {
		ctx := context.Background()
		watch := must(r.Watch(ctx, metav1.ListOptions{FieldSelector: "metadata.name=" + b.GetName(), ResourceVersion: b.GetResourceVersion()}))
		defer watch.Stop()
		d := decided(b)
		set(t, b, []any{map[string]any{"type": "FullyApplied", "status": "True", "reason": "X", "message": "", "lastTransitionTime": "2024-01-01T00:00:00Z"}}, "status", "conditions")
		other := must(r.UpdateStatus(ctx, b, metav1.UpdateOptions{})) // somebody reports the status meanwhile: no conflict
		<-watch.ResultChan()

		_, outcome, refusal := postDecision(t, b, d, "")
		if outcome == nil {
			t.Fatal(refusal)
		}
		written := (<-watch.ResultChan()).Object.(*unstructured.Unstructured)
		got := typed(t, written)
		if len(got.Spec.Clusters) != 2 || got.Spec.Clusters[1].Replicas != 2 {
			t.Errorf("clusters = %v", got.Spec.Clusters)
		}
		if got.Generation != 2 || got.Status.SchedulerObservedGeneration != 2 {
			t.Errorf("generation %d, observed %d; want 2 of 2", got.Generation, got.Status.SchedulerObservedGeneration)
		}
		if !meta.IsStatusConditionTrue(got.Status.Conditions, workv1alpha2.Scheduled) || !meta.IsStatusConditionTrue(got.Status.Conditions, workv1alpha2.FullyApplied) {
			t.Errorf("conditions = %v", got.Status.Conditions)
		}
		if got.Annotations[wellknown.AppliedPlacementAnnotation] != "{}" || got.Status.SchedulerObservedAffinityName != "first" || !d.ScheduledTime.Equal(got.Status.LastScheduledTime) {
			t.Errorf("annotations %v, status %+v", got.Annotations, got.Status)
		}
		if want := (decision.Outcome{ResourceVersion: got.ResourceVersion, Generation: 2, BasedOn: other.GetResourceVersion()}); *outcome != want {
			t.Errorf("outcome = %+v, want %+v", *outcome, want)
		}

		// The same on the new basis changes nothing and writes nothing.
		d.Basis = decision.Basis{UID: got.UID, Generation: 2, LastScheduledTime: got.Status.LastScheduledTime}
		if _, again, refusal := postDecision(t, b, d, ""); again == nil || again.ResourceVersion != got.ResourceVersion {
			t.Errorf("the same decision again: %+v %s, want version %s as before", again, refusal, got.ResourceVersion)
		}
	})
}

func TestDecisionIsRefused(t *testing.T) {
	schedulable(t, func(t *testing.T, r dynamic.ResourceInterface, b *unstructured.Unstructured) {
		later := metav1.NewTime(time.Unix(1_700_000_001, 0))
		for _, c := range []struct {
			name   string
			spoil  func(*decision.Decision)
			code   int
			reason string
		}{
			{"another binding of the name", func(d *decision.Decision) { d.Basis.UID = "other" }, http.StatusConflict, "UID"},
			{"an older generation", func(d *decision.Decision) { d.Basis.Generation = 7 }, http.StatusConflict, "generation 7"},
			{"another scheduler was there", func(d *decision.Decision) { d.Basis.LastScheduledTime = &later }, http.StatusConflict, "somebody else"},
			{"no basis", func(d *decision.Decision) { d.Basis = decision.Basis{} }, http.StatusUnprocessableEntity, "basis.uid"},
			{"a cluster twice", func(d *decision.Decision) { d.Placement.Clusters[1].Name = "a" }, http.StatusUnprocessableEntity, "placement.clusters[1].name"},
			{"a cluster without a name", func(d *decision.Decision) { d.Placement.Clusters[0].Name = "" }, http.StatusUnprocessableEntity, "placement.clusters[0].name"},
			{"negative replicas", func(d *decision.Decision) { d.Placement.Clusters[0].Replicas = -1 }, http.StatusUnprocessableEntity, "placement.clusters[0].replicas"},
			{"an annotation of others", func(d *decision.Decision) { d.Annotations["x"] = "y" }, http.StatusUnprocessableEntity, "annotations[x]"},
			{"a condition of others", func(d *decision.Decision) { d.Condition.Type = "FullyApplied" }, http.StatusUnprocessableEntity, "condition.type"},
			{"a condition without reason", func(d *decision.Decision) { d.Condition.Reason = "" }, http.StatusUnprocessableEntity, "condition.reason"},
		} {
			t.Run(c.name, func(t *testing.T) {
				d := decided(b)
				c.spoil(d)
				code, _, message := postDecision(t, b, d, "")
				if code != c.code || !strings.Contains(message, c.reason) {
					t.Errorf("%d %q, want %d and %q", code, message, c.code, c.reason)
				}
			})
		}
		if now := must(r.Get(context.Background(), b.GetName(), metav1.GetOptions{})); now.GetResourceVersion() != b.GetResourceVersion() {
			t.Error("something was written")
		}
		if code, _, message := postDecision(t, b, decided(b), "?dryRun=All"); code != http.StatusCreated {
			t.Errorf("dry run: %d %s", code, message)
		}
		if now := must(r.Get(context.Background(), b.GetName(), metav1.GetOptions{})); now.GetResourceVersion() != b.GetResourceVersion() {
			t.Error("the dry run wrote something")
		}
		absent := b.DeepCopy()
		absent.SetName("absent")
		if code, _, _ := postDecision(t, absent, decided(b), ""); code != http.StatusNotFound {
			t.Errorf("an absent binding: %d, want 404", code)
		}
	})
}

// TestDecisionTakesAway takes a workload from everywhere.
func TestDecisionTakesAway(t *testing.T) {
	schedulable(t, func(t *testing.T, r dynamic.ResourceInterface, b *unstructured.Unstructured) {
		d := decided(b)
		if _, outcome, refusal := postDecision(t, b, d, ""); outcome == nil {
			t.Fatal(refusal)
		}
		d = &decision.Decision{Basis: decision.Basis{UID: b.GetUID(), Generation: 2, LastScheduledTime: d.ScheduledTime}, Placement: &decision.Placement{}}
		_, outcome, refusal := postDecision(t, b, d, "")
		if outcome == nil || outcome.Generation != 3 {
			t.Fatalf("outcome %+v %s", outcome, refusal)
		}
		if got := typed(t, must(r.Get(context.Background(), b.GetName(), metav1.GetOptions{}))); len(got.Spec.Clusters) > 0 || got.Status.SchedulerObservedGeneration != 2 {
			t.Errorf("clusters %v, observed %d; want none, and 2 as before", got.Spec.Clusters, got.Status.SchedulerObservedGeneration)
		}
	})
}

// TestScheduleIsDiscovered wants clients to find the subresource with its kind and verb.
func TestScheduleIsDiscovered(t *testing.T) {
	list := must(discovery.NewDiscoveryClientForConfigOrDie(plane.config).ServerResourcesForGroupVersion("work.karmada.io/v1alpha2"))
	found := map[string]string{}
	for _, r := range list.APIResources {
		found[r.Name] = fmt.Sprintf("%s/%s %s %v", r.Group, r.Version, r.Kind, r.Verbs)
	}
	for _, name := range []string{"resourcebindings/schedule", "clusterresourcebindings/schedule"} {
		if want := "scheduling.atoll.dev/v1alpha1 Decision [create]"; found[name] != want {
			t.Errorf("%s is discovered as %q, want %q", name, found[name], want)
		}
	}
}
