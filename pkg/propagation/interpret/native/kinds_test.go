package native

import (
	"slices"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/sets"
	testingclock "k8s.io/utils/clock/testing"

	"atoll.dev/atoll/pkg/propagation/interpret"
)

// What Karmada v1.18's default interpreter knows, hook by hook. Where a kind is missing here although
// Karmada lists it, the default does the same, as the comment says.
func TestEveryKindThatKarmadaKnows(t *testing.T) {
	const hpa, pdb = "HorizontalPodAutoscaler", "PodDisruptionBudget"
	kinds := map[string]schema.GroupVersion{
		"Deployment": {Group: "apps", Version: "v1"}, "StatefulSet": {Group: "apps", Version: "v1"},
		"ReplicaSet": {Group: "apps", Version: "v1"}, "DaemonSet": {Group: "apps", Version: "v1"},
		"Job": {Group: "batch", Version: "v1"}, "CronJob": {Group: "batch", Version: "v1"},
		"Pod": {Version: "v1"}, "Service": {Version: "v1"}, "ServiceAccount": {Version: "v1"},
		"PersistentVolume": {Version: "v1"}, "PersistentVolumeClaim": {Version: "v1"},
		"Ingress": {Group: "networking.k8s.io", Version: "v1"}, pdb: {Group: "policy", Version: "v1"},
		hpa: {Group: "autoscaling", Version: "v2"}, "ServiceImport": {Group: "multicluster.x-k8s.io", Version: "v1alpha1"},
	}
	i := New(testingclock.NewFakePassiveClock(now))
	for hook, c := range map[string]struct {
		has   func(interpret.Hooks) bool
		wants []string
	}{
		"Replicas":       {func(h interpret.Hooks) bool { return h.Replicas != nil }, []string{"Deployment", "ReplicaSet", "StatefulSet", "Job", "Pod"}},
		"ReviseReplicas": {func(h interpret.Hooks) bool { return h.ReviseReplicas != nil }, []string{"Deployment", "ReplicaSet", "StatefulSet", "Job"}},
		// An Ingress's status is recorded whole, as that of every kind without the hook.
		"ReflectStatus": {func(h interpret.Hooks) bool { return h.ReflectStatus != nil },
			[]string{"Deployment", "ReplicaSet", "Service", "Job", "DaemonSet", "StatefulSet", pdb, hpa}},
		"AggregateStatus": {func(h interpret.Hooks) bool { return h.AggregateStatus != nil },
			[]string{"Deployment", "ReplicaSet", "Service", "Ingress", "Job", "CronJob", "DaemonSet", "StatefulSet", "Pod", "PersistentVolume", "PersistentVolumeClaim", pdb, hpa}},
		"Healthy": {func(h interpret.Hooks) bool { return h.Healthy != nil },
			[]string{"Deployment", "StatefulSet", "ReplicaSet", "DaemonSet", "Service", "Ingress", "PersistentVolumeClaim", "Pod", pdb}},
		"Dependencies": {func(h interpret.Hooks) bool { return h.Dependencies != nil },
			[]string{"Deployment", "ReplicaSet", "Job", "CronJob", "Pod", "DaemonSet", "StatefulSet", "Ingress", "ServiceImport"}},
	} {
		has := sets.New[string]()
		for kind, gv := range kinds {
			if c.has(i.Hooks(gv.WithKind(kind))) {
				has.Insert(kind)
			}
		}
		if wants := sets.New(c.wants...); !has.Equal(wants) {
			t.Errorf("%s: kinds %v, want %v", hook, sets.List(has), sets.List(wants))
		}
	}
}

// Cases of Karmada's own tests of its default interpreter, with what they want.
func TestHealthyAsInKarmada(t *testing.T) {
	for _, c := range []struct {
		kind, rest string
		want       bool
	}{
		{"apps/v1 StatefulSet", `"metadata":{"generation":1},"spec":{"replicas":3},"status":{"availableReplicas":3,"updatedReplicas":3,"observedGeneration":1}`, true},
		{"apps/v1 StatefulSet", `"metadata":{"generation":1},"spec":{"replicas":3},"status":{"availableReplicas":3,"updatedReplicas":3,"observedGeneration":2}`, false},
		{"apps/v1 StatefulSet", `"metadata":{"generation":1},"spec":{"replicas":3},"status":{"updatedReplicas":1,"observedGeneration":1}`, false},
		{"apps/v1 StatefulSet", `"metadata":{"generation":1},"spec":{"replicas":3},"status":{"availableReplicas":1,"updatedReplicas":3,"observedGeneration":1}`, false},
		{"apps/v1 ReplicaSet", `"metadata":{"generation":1},"spec":{"replicas":3},"status":{"availableReplicas":3,"observedGeneration":1}`, true},
		{"apps/v1 ReplicaSet", `"metadata":{"generation":1},"spec":{"replicas":3},"status":{"availableReplicas":3,"observedGeneration":2}`, false},
		{"apps/v1 ReplicaSet", `"metadata":{"generation":1},"spec":{"replicas":3},"status":{"availableReplicas":1,"observedGeneration":1}`, false},
		{"apps/v1 DaemonSet", `"metadata":{"generation":1},"status":{"observedGeneration":1}`, true},
		{"apps/v1 DaemonSet", `"metadata":{"generation":1},"status":{"observedGeneration":2}`, false},
		{"apps/v1 DaemonSet", `"metadata":{"generation":1},"status":{"observedGeneration":1,"updatedNumberScheduled":3,"desiredNumberScheduled":5}`, false},
		{"apps/v1 DaemonSet", `"metadata":{"generation":1},"status":{"observedGeneration":1,"updatedNumberScheduled":5,"numberAvailable":3}`, false},
		{"v1 Service", `"spec":{"type":"LoadBalancer"},"status":{"loadBalancer":{"ingress":[{"hostname":"localhost"}]}}`, true},
		{"v1 Service", `"spec":{"type":"LoadBalancer"},"status":{"loadBalancer":{"ingress":[{"ip":"127.0.0.1"}]}}`, true},
		{"v1 Service", `"spec":{"type":"NodePort"},"status":{"loadBalancer":{"ingress":[]}}`, true},
		{"v1 Service", `"spec":{"type":"LoadBalancer"},"status":{"loadBalancer":{"ingress":[]}}`, false},
		{"networking.k8s.io/v1 Ingress", `"status":{"loadBalancer":{"ingress":[{"hostname":"localhost"}]}}`, true},
		{"networking.k8s.io/v1 Ingress", `"status":{"loadBalancer":{"ingress":[]}}`, false},
		{"v1 Pod", `"status":{"conditions":[{"type":"Ready","status":"Unknown"}],"phase":"Running"}`, false},
		{"v1 Pod", `"status":{"conditions":[{"type":"Ready","status":"True"}],"phase":"Failed"}`, false},
		{"v1 Pod", `"metadata":{"name":"new"}`, false},
		{"policy/v1 PodDisruptionBudget", `"status":{"desiredHealthy":1,"currentHealthy":2}`, true},
		{"policy/v1 PodDisruptionBudget", `"status":{"desiredHealthy":2,"currentHealthy":2}`, true},
		{"policy/v1 PodDisruptionBudget", `"status":{"desiredHealthy":2,"currentHealthy":1}`, false},
	} {
		parts := strings.Fields(c.kind)
		u := decode(t, `{"apiVersion":"`+parts[0]+`","kind":"`+parts[1]+`",`+c.rest+`}`)
		got, err := New(testingclock.NewFakePassiveClock(now)).Hooks(u.GroupVersionKind()).Healthy(t.Context(), u)
		if err != nil || got != c.want {
			t.Errorf("%s {%s}: %t, %v, want %t", c.kind, c.rest, got, err, c.want)
		}
	}
}

// A member that reports nothing, since it has not begun or is lost, never breaks aggregation.
func TestAggregateWithoutAnyStatus(t *testing.T) {
	i := New(testingclock.NewFakePassiveClock(now))
	var kinds []string
	for gvk, hooks := range i.kinds {
		if hooks.AggregateStatus == nil {
			continue
		}
		apiVersion, kind := gvk.ToAPIVersionAndKind()
		kinds = append(kinds, kind)
		u := decode(t, `{"apiVersion":"`+apiVersion+`","kind":"`+kind+`","metadata":{"name":"a","generation":1}}`)
		status, err := hooks.AggregateStatus(t.Context(), u, items("", ""))
		if err != nil {
			t.Errorf("%s: %v", kind, err)
		}
		if status[observedGenerationField] != nil {
			t.Errorf("%s: status %v says that something was observed", kind, status)
		}
	}
	if slices.Sort(kinds); len(kinds) != 13 {
		t.Errorf("kinds %v, want all 13", kinds)
	}
}
