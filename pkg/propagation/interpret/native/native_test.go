package native

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	workv1alpha2 "github.com/karmada-io/karmada/pkg/apis/work/v1alpha2"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	utiljson "k8s.io/apimachinery/pkg/util/json"
	testingclock "k8s.io/utils/clock/testing"
)

var now = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

func decode(t *testing.T, text string) *unstructured.Unstructured {
	t.Helper()
	u := &unstructured.Unstructured{}
	if err := utiljson.Unmarshal([]byte(text), &u.Object); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return u
}

// items makes one for each member's recorded status; "" is a member that has not reported.
func items(statuses ...string) []workv1alpha2.AggregatedStatusItem {
	var all []workv1alpha2.AggregatedStatusItem
	for i, s := range statuses {
		item := workv1alpha2.AggregatedStatusItem{ClusterName: "m" + string(rune('1'+i))}
		if s != "" {
			item.Status = &runtime.RawExtension{Raw: []byte(s)}
		}
		all = append(all, item)
	}
	return all
}

func TestReplicas(t *testing.T) {
	const pod = `"template":{"spec":{"nodeSelector":{"disk":"ssd"},"containers":[
		{"name":"a","resources":{"requests":{"cpu":"100m"},"limits":{"cpu":"1","memory":"64Mi"}}},
		{"name":"b","resources":{"requests":{"cpu":"200m","memory":"0"}}}],
		"initContainers":[{"name":"i","resources":{"requests":{"memory":"128Mi"}}}]}}`
	for name, c := range map[string]struct {
		object, needs string
		replicas      int32
	}{
		"Deployment":              {`{"apiVersion":"apps/v1","kind":"Deployment","spec":{"replicas":3,` + pod + `}}`, `{"nodeClaim":{"nodeSelector":{"disk":"ssd"}},"resourceRequest":{"cpu":"300m","memory":"128Mi"}}`, 3},
		"Deployment of nothing":   {`{"apiVersion":"apps/v1","kind":"Deployment","spec":{"template":{"spec":{"containers":[{"name":"a"}]}}}}`, `null`, 0},
		"Job, parallelism":        {`{"apiVersion":"batch/v1","kind":"Job","spec":{"parallelism":2,"completions":5,"template":{"spec":{}}}}`, `null`, 2},
		"Job, fewer completions":  {`{"apiVersion":"batch/v1","kind":"Job","spec":{"parallelism":5,"completions":2,"template":{"spec":{}}}}`, `null`, 2},
		"Pod, limits as requests": {`{"apiVersion":"v1","kind":"Pod","spec":{"containers":[{"name":"a","resources":{"limits":{"memory":"1Gi"}}}],"tolerations":[{"key":"k"}]}}`, `{"nodeClaim":{"tolerations":[{"key":"k"}]},"resourceRequest":{"memory":"1Gi"}}`, 1},
	} {
		u := decode(t, c.object)
		replicas, needs, err := New(testingclock.NewFakePassiveClock(now)).Hooks(u.GroupVersionKind()).Replicas(t.Context(), u)
		got, _ := json.Marshal(needs)
		if err != nil || replicas != c.replicas || string(got) != c.needs {
			t.Errorf("%s: %d × %s, %v, want %d × %s", name, replicas, got, err, c.replicas, c.needs)
		}
	}
}

func TestReflect(t *testing.T) {
	const meta = `"metadata":{"name":"a","generation":4,"annotations":{"resourcetemplate.karmada.io/generation":"7"}}`
	for name, c := range map[string]struct{ object, want string }{
		"Deployment": {`{"apiVersion":"apps/v1","kind":"Deployment",` + meta + `,"status":{"replicas":2,"readyReplicas":1,"observedGeneration":4,"conditions":[{"type":"Available"}]}}`,
			`{"generation":4,"observedGeneration":4,"readyReplicas":1,"replicas":2,"resourceTemplateGeneration":7}`},
		"Deployment without status": {`{"apiVersion":"apps/v1","kind":"Deployment",` + meta + `}`, ``},
		"StatefulSet": {`{"apiVersion":"apps/v1","kind":"StatefulSet",` + meta + `,"status":{"replicas":1,"collisionCount":3,"observedGeneration":4}}`,
			`{"generation":4,"observedGeneration":4,"replicas":1,"resourceTemplateGeneration":7}`},
		"Service of a cluster":  {`{"apiVersion":"v1","kind":"Service","spec":{"type":"ClusterIP"},"status":{"loadBalancer":{}}}`, ``},
		"Service load-balanced": {`{"apiVersion":"v1","kind":"Service","spec":{"type":"LoadBalancer"},"status":{"loadBalancer":{"ingress":[{"ip":"1.2.3.4"}]},"conditions":[]}}`, `{"loadBalancer":{"ingress":[{"ip":"1.2.3.4"}]}}`},
		"Job":                   {`{"apiVersion":"batch/v1","kind":"Job","status":{"active":1,"ready":1,"startTime":"2026-01-02T03:04:05Z"}}`, `{"active":1,"startTime":"2026-01-02T03:04:05Z"}`},
	} {
		u := decode(t, c.object)
		raw, err := New(testingclock.NewFakePassiveClock(now)).Hooks(u.GroupVersionKind()).ReflectStatus(t.Context(), u)
		got := ""
		if raw != nil {
			got = string(raw.Raw)
		}
		if err != nil || got != c.want {
			t.Errorf("%s: %s, %v, want %s", name, got, err, c.want)
		}
	}
}

func TestAggregate(t *testing.T) {
	const finished = `{"succeeded":1,"startTime":"2026-01-01T00:00:00Z","completionTime":"2026-01-01T00:01:00Z","conditions":[{"type":"SuccessCriteriaMet","status":"True"},{"type":"Complete","status":"True"}]}`
	const broken = `{"failed":1,"startTime":"2026-01-01T00:00:00Z","conditions":[{"type":"FailureTarget","status":"True"},{"type":"Failed","status":"True"}]}`
	condition := func(kind, reason, message string) string {
		return `{"type":"` + kind + `","status":"True","lastProbeTime":"2026-01-02T03:04:05Z","lastTransitionTime":"2026-01-02T03:04:05Z","reason":"` + reason + `","message":"` + message + `"}`
	}
	for name, c := range map[string]struct {
		template string
		members  []workv1alpha2.AggregatedStatusItem
		want     string
	}{
		"Deployment, all up to date": {`{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"generation":7},"status":{"conditions":["kept"]}}`,
			items(`{"replicas":2,"readyReplicas":2,"updatedReplicas":2,"availableReplicas":2,"generation":4,"observedGeneration":4,"resourceTemplateGeneration":7}`,
				`{"replicas":1,"unavailableReplicas":1,"generation":1,"observedGeneration":1,"resourceTemplateGeneration":7}`),
			`{"replicas":3,"readyReplicas":2,"updatedReplicas":2,"availableReplicas":2,"unavailableReplicas":1,"observedGeneration":7,"conditions":["kept"]}`},
		"Deployment, one behind": {`{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"generation":7},"status":{"observedGeneration":6}}`,
			items(`{"replicas":2,"generation":4,"observedGeneration":4,"resourceTemplateGeneration":7}`, `{"replicas":2,"generation":4,"observedGeneration":4,"resourceTemplateGeneration":6}`),
			`{"replicas":4,"readyReplicas":0,"updatedReplicas":0,"availableReplicas":0,"unavailableReplicas":0,"observedGeneration":6}`},
		"Deployment, one has not observed": {`{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"generation":7},"status":{"observedGeneration":6}}`,
			items(`{"generation":4,"observedGeneration":3,"resourceTemplateGeneration":7}`),
			`{"replicas":0,"readyReplicas":0,"updatedReplicas":0,"availableReplicas":0,"unavailableReplicas":0,"observedGeneration":6}`},
		"DaemonSet": {`{"apiVersion":"apps/v1","kind":"DaemonSet","metadata":{"generation":1}}`,
			items(`{"desiredNumberScheduled":2,"numberReady":1,"generation":1,"observedGeneration":1,"resourceTemplateGeneration":1}`, ``),
			`{"currentNumberScheduled":0,"desiredNumberScheduled":2,"numberAvailable":0,"numberMisscheduled":0,"numberReady":1,"updatedNumberScheduled":0,"numberUnavailable":0}`},
		"Job, running": {`{"apiVersion":"batch/v1","kind":"Job"}`, items(`{"active":2,"startTime":"2026-01-01T00:00:01Z"}`, `{"active":1,"succeeded":1,"startTime":"2026-01-01T00:00:00Z"}`),
			`{"active":3,"succeeded":1,"startTime":"2026-01-01T00:00:00Z"}`},
		"Job, one not started": {`{"apiVersion":"batch/v1","kind":"Job"}`, items(`{"active":2,"startTime":"2026-01-01T00:00:01Z"}`, ``), `{"active":2}`},
		"Job, complete": {`{"apiVersion":"batch/v1","kind":"Job"}`, items(finished, finished),
			`{"succeeded":2,"startTime":"2026-01-01T00:00:00Z","completionTime":"2026-01-01T00:01:00Z","conditions":[` +
				condition("SuccessCriteriaMet", "CompletionsReached", "All member clusters have met success criteria") + `,` + condition("Complete", "Completed", "Job completed") + `]}`},
		"Job, one complete": {`{"apiVersion":"batch/v1","kind":"Job"}`, items(finished, `{"active":1,"startTime":"2026-01-01T00:00:00Z"}`), `{"active":1,"succeeded":1,"startTime":"2026-01-01T00:00:00Z"}`},
		"Job, one failed while another runs": {`{"apiVersion":"batch/v1","kind":"Job"}`, items(broken, `{"active":1}`),
			`{"active":1,"failed":1,"startTime":"2026-01-01T00:00:00Z","conditions":[` + condition("FailureTarget", "JobFailed", "Job executed failed in member clusters m1") + `]}`},
		"Job, failed": {`{"apiVersion":"batch/v1","kind":"Job"}`, items(broken, broken),
			`{"failed":2,"startTime":"2026-01-01T00:00:00Z","conditions":[` + condition("FailureTarget", "JobFailed", "Job executed failed in member clusters m1,m2") + `,` + condition("Failed", "JobFailed", "Job executed failed in member clusters m1,m2") + `]}`},
		"Job, counters never fall": {`{"apiVersion":"batch/v1","kind":"Job","status":{"succeeded":3,"startTime":"2026-01-01T00:00:00Z"}}`, items(`{"succeeded":1}`), `{"succeeded":3,"startTime":"2026-01-01T00:00:00Z"}`},
		"CronJob": {`{"apiVersion":"batch/v1","kind":"CronJob"}`, items(`{"active":[{"name":"a"}],"lastScheduleTime":"2026-01-01T00:00:00Z"}`, `{"lastScheduleTime":"2026-01-01T00:05:00Z"}`),
			`{"active":[{"name":"a"}],"lastScheduleTime":"2026-01-01T00:05:00Z"}`},
		"Pod":                               {`{"apiVersion":"v1","kind":"Pod","status":{"qosClass":"BestEffort"}}`, items(`{"phase":"Running"}`, ``), `{"qosClass":"BestEffort","phase":"Pending"}`},
		"Pod, failed in one":                {`{"apiVersion":"v1","kind":"Pod"}`, items(`{"phase":"Running"}`, `{"phase":"Failed"}`, `{"phase":"Succeeded"}`), `{"phase":"Failed"}`},
		"PersistentVolumeClaim":             {`{"apiVersion":"v1","kind":"PersistentVolumeClaim"}`, items(`{"phase":"Bound"}`, `{"phase":"Pending"}`), `{"phase":"Pending"}`},
		"PersistentVolumeClaim, bound":      {`{"apiVersion":"v1","kind":"PersistentVolumeClaim"}`, items(`{"phase":"Bound"}`, `{"phase":"Bound"}`), `{"phase":"Bound"}`},
		"PersistentVolumeClaim, one silent": {`{"apiVersion":"v1","kind":"PersistentVolumeClaim"}`, items(`{"phase":"Bound"}`, ``), `{"phase":"Pending"}`},
		"PersistentVolumeClaim, lost":       {`{"apiVersion":"v1","kind":"PersistentVolumeClaim"}`, items(`{"phase":"Lost"}`, `{"phase":"Pending"}`), `{"phase":"Lost"}`},
		"PersistentVolume":                  {`{"apiVersion":"v1","kind":"PersistentVolume"}`, items(`{"phase":"Bound"}`, `{"phase":"Available"}`), `{"phase":"Available"}`},
		"Ingress": {`{"apiVersion":"networking.k8s.io/v1","kind":"Ingress"}`,
			items(`{"loadBalancer":{"ingress":[{"ip":"2.2.2.2"},{"ip":"1.1.1.1","ports":[{"port":80,"protocol":"TCP"}]}]}}`, `{"loadBalancer":{"ingress":[{"hostname":"a.example.com"},{"ip":"2.2.2.2"}]}}`),
			`{"loadBalancer":{"ingress":[{"hostname":"a.example.com"},{"ip":"1.1.1.1","ports":[{"port":80,"protocol":"TCP"}]},{"ip":"2.2.2.2"}]}}`},
		"Service that is no load balancer": {`{"apiVersion":"v1","kind":"Service","spec":{"type":"ClusterIP"},"status":{"loadBalancer":{}}}`, items(``), `{"loadBalancer":{}}`},
		"PodDisruptionBudget": {`{"apiVersion":"policy/v1","kind":"PodDisruptionBudget","status":{"observedGeneration":3}}`,
			items(`{"disruptionsAllowed":1,"currentHealthy":2,"desiredHealthy":1,"expectedPods":2,"disruptedPods":{"p":"2026-01-01T00:00:00Z"}}`, `{"currentHealthy":1,"desiredHealthy":1,"expectedPods":1,"disruptionsAllowed":0}`),
			`{"observedGeneration":3,"disruptionsAllowed":1,"currentHealthy":3,"desiredHealthy":2,"expectedPods":3,"disruptedPods":{"m1/p":"2026-01-01T00:00:00Z"}}`},
		"HorizontalPodAutoscaler": {`{"apiVersion":"autoscaling/v2","kind":"HorizontalPodAutoscaler"}`, items(`{"currentReplicas":1,"desiredReplicas":2}`, `{"desiredReplicas":3}`), `{"currentReplicas":1,"desiredReplicas":5}`},
	} {
		u := decode(t, c.template)
		got, err := New(testingclock.NewFakePassiveClock(now)).Hooks(u.GroupVersionKind()).AggregateStatus(t.Context(), u, c.members)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		raw, _ := json.Marshal(got)
		var gotAny, wantAny any
		_ = json.Unmarshal(raw, &gotAny)
		if err := json.Unmarshal([]byte(c.want), &wantAny); err != nil {
			t.Fatal(name, err)
		}
		if diff := cmp.Diff(wantAny, gotAny); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestHealthy(t *testing.T) {
	for name, c := range map[string]struct {
		object string
		want   bool
	}{
		"Deployment ready":         {`{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"generation":2},"spec":{"replicas":2},"status":{"observedGeneration":2,"updatedReplicas":2,"availableReplicas":2}}`, true},
		"Deployment rolling":       {`{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"generation":2},"spec":{"replicas":2},"status":{"observedGeneration":2,"updatedReplicas":1,"availableReplicas":2}}`, false},
		"Deployment not available": {`{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"generation":2},"spec":{"replicas":2},"status":{"observedGeneration":2,"updatedReplicas":2,"availableReplicas":1}}`, false},
		"Deployment not observed":  {`{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"generation":3},"spec":{"replicas":2},"status":{"observedGeneration":2,"updatedReplicas":2,"availableReplicas":2}}`, false},
		"Deployment of none":       {`{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"generation":2},"spec":{"replicas":0},"status":{"observedGeneration":2}}`, true},
		"ReplicaSet ready":         {`{"apiVersion":"apps/v1","kind":"ReplicaSet","spec":{"replicas":1},"status":{"availableReplicas":1}}`, true},
		"DaemonSet rolling":        {`{"apiVersion":"apps/v1","kind":"DaemonSet","status":{"desiredNumberScheduled":2,"updatedNumberScheduled":1,"numberAvailable":2}}`, false},
		"Service of a cluster":     {`{"apiVersion":"v1","kind":"Service","spec":{"type":"ClusterIP"}}`, true},
		"Service without address":  {`{"apiVersion":"v1","kind":"Service","spec":{"type":"LoadBalancer"}}`, false},
		"Ingress with address":     {`{"apiVersion":"networking.k8s.io/v1","kind":"Ingress","status":{"loadBalancer":{"ingress":[{"hostname":"h"}]}}}`, true},
		"claim bound":              {`{"apiVersion":"v1","kind":"PersistentVolumeClaim","status":{"phase":"Bound"}}`, true},
		"claim pending":            {`{"apiVersion":"v1","kind":"PersistentVolumeClaim","status":{"phase":"Pending"}}`, false},
		"Pod done":                 {`{"apiVersion":"v1","kind":"Pod","status":{"phase":"Succeeded"}}`, true},
		"Pod ready":                {`{"apiVersion":"v1","kind":"Pod","status":{"phase":"Running","conditions":[{"type":"Ready","status":"True"}]}}`, true},
		"Pod not ready":            {`{"apiVersion":"v1","kind":"Pod","status":{"phase":"Running","conditions":[{"type":"Ready","status":"False"}]}}`, false},
		"budget short":             {`{"apiVersion":"policy/v1","kind":"PodDisruptionBudget","status":{"currentHealthy":1,"desiredHealthy":2}}`, false},
	} {
		u := decode(t, c.object)
		got, err := New(testingclock.NewFakePassiveClock(now)).Hooks(u.GroupVersionKind()).Healthy(t.Context(), u)
		if err != nil || got != c.want {
			t.Errorf("%s: %t, %v, want %t", name, got, err, c.want)
		}
	}
}

func TestRetain(t *testing.T) {
	for name, c := range map[string]struct{ desired, observed, want string }{
		"replicas": {`{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"labels":{"resourcetemplate.karmada.io/retain-replicas":"true"}},"spec":{"replicas":1}}`, `{"spec":{"replicas":5}}`,
			`{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"labels":{"resourcetemplate.karmada.io/retain-replicas":"true"}},"spec":{"replicas":5}}`},
		"replicas, not asked for": {`{"apiVersion":"apps/v1","kind":"Deployment","spec":{"replicas":1}}`, `{"spec":{"replicas":5}}`, `{"apiVersion":"apps/v1","kind":"Deployment","spec":{"replicas":1}}`},
		"pull secrets": {`{"apiVersion":"v1","kind":"ServiceAccount","imagePullSecrets":[{"name":"a"}]}`, `{"imagePullSecrets":[{"name":"b"},{"name":"a"}]}`,
			`{"apiVersion":"v1","kind":"ServiceAccount","imagePullSecrets":[{"name":"a"},{"name":"b"}]}`},
		"pull secrets, none given": {`{"apiVersion":"v1","kind":"ServiceAccount"}`, `{"imagePullSecrets":[{"name":"b"}]}`, `{"apiVersion":"v1","kind":"ServiceAccount"}`},
	} {
		desired := decode(t, c.desired)
		got, err := New(testingclock.NewFakePassiveClock(now)).Hooks(desired.GroupVersionKind()).Retain(t.Context(), desired, decode(t, c.observed))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if diff := cmp.Diff(decode(t, c.want).Object, got.Object); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}
