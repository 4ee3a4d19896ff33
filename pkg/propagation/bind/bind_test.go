package bind

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	policyv1alpha1 "github.com/karmada-io/karmada/pkg/apis/policy/v1alpha1"
	workv1alpha1 "github.com/karmada-io/karmada/pkg/apis/work/v1alpha1"
	workv1alpha2 "github.com/karmada-io/karmada/pkg/apis/work/v1alpha2"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	utiljson "k8s.io/apimachinery/pkg/util/json"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/utils/ptr"
)

func decode(t *testing.T, text string) *unstructured.Unstructured {
	t.Helper()
	u := &unstructured.Unstructured{}
	if err := utiljson.Unmarshal([]byte(text), &u.Object); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return u
}

func TestPrune(t *testing.T) {
	for name, c := range map[string]struct{ template, want string }{
		"bookkeeping": {
			`{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"a","uid":"u","resourceVersion":"1","generation":2,"creationTimestamp":"x","managedFields":[],"ownerReferences":[],"finalizers":["f"],"labels":{"l":"1"}},"data":{"k":"v"},"status":{}}`,
			`{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"a","labels":{"l":"1"}},"data":{"k":"v"}}`},
		"Deployment's revision": {
			`{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"annotations":{"deployment.kubernetes.io/revision":"3","mine":"1"}}}`,
			`{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"annotations":{"mine":"1"}}}`},
		"Job": {
			`{"apiVersion":"batch/v1","kind":"Job","spec":{"ttlSecondsAfterFinished":5,"selector":{"matchLabels":{"batch.kubernetes.io/controller-uid":"u"}},"template":{"metadata":{"labels":{"batch.kubernetes.io/controller-uid":"u","batch.kubernetes.io/job-name":"a","controller-uid":"u","job-name":"a","mine":"1"}}}}}`,
			`{"apiVersion":"batch/v1","kind":"Job","spec":{"template":{"metadata":{"labels":{"mine":"1"}}}}}`},
		"Job with the user's selector": {
			`{"apiVersion":"batch/v1","kind":"Job","spec":{"manualSelector":true,"selector":{"matchLabels":{"controller-uid":"mine"}}}}`,
			`{"apiVersion":"batch/v1","kind":"Job","spec":{"manualSelector":true,"selector":{"matchLabels":{"controller-uid":"mine"}}}}`},
		"Service":          {`{"apiVersion":"v1","kind":"Service","spec":{"clusterIP":"10.0.0.1","clusterIPs":["10.0.0.1"],"ports":[{"nodePort":30000}]}}`, `{"apiVersion":"v1","kind":"Service","spec":{"ports":[{"nodePort":30000}]}}`},
		"headless Service": {`{"apiVersion":"v1","kind":"Service","spec":{"clusterIP":"None","clusterIPs":["None"]}}`, `{"apiVersion":"v1","kind":"Service","spec":{"clusterIP":"None","clusterIPs":["None"]}}`},
		"token Secret": {
			`{"apiVersion":"v1","kind":"Secret","type":"kubernetes.io/service-account-token","metadata":{"annotations":{"kubernetes.io/service-account.uid":"u","kubernetes.io/service-account.name":"a"}},"data":{"token":"x"}}`,
			`{"apiVersion":"v1","kind":"Secret","type":"kubernetes.io/service-account-token","metadata":{"annotations":{"kubernetes.io/service-account.name":"a"}}}`},
		"other Secret":   {`{"apiVersion":"v1","kind":"Secret","type":"Opaque","data":{"k":"x"}}`, `{"apiVersion":"v1","kind":"Secret","type":"Opaque","data":{"k":"x"}}`},
		"ServiceAccount": {`{"apiVersion":"v1","kind":"ServiceAccount","metadata":{"name":"a"},"secrets":[{"name":"a-token-xyz"},{"name":"mine"}]}`, `{"apiVersion":"v1","kind":"ServiceAccount","metadata":{"name":"a"},"secrets":[{"name":"mine"}]}`},
		"a kind of the same name in another group": {`{"apiVersion":"example.com/v1","kind":"Service","spec":{"clusterIP":"10.0.0.1"}}`, `{"apiVersion":"example.com/v1","kind":"Service","spec":{"clusterIP":"10.0.0.1"}}`},
	} {
		got := decode(t, c.template)
		Prune(got)
		if diff := cmp.Diff(decode(t, c.want).Object, got.Object); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

// The wants were printed by Karmada v1.18.1's helper.SpreadReplicasByTargetClusters.
func TestDivideCompletions(t *testing.T) {
	for name, c := range map[string]struct {
		completions int64
		replicas    map[string]int32
		uid         string
		want        map[string]int64
	}{
		"in proportion":       {10, map[string]int32{"a": 2, "b": 3}, "", map[string]int64{"a": 4, "b": 6}},
		"one left over":       {3, map[string]int32{"a": 1, "b": 1}, "", map[string]int64{"a": 2, "b": 1}},
		"nothing for a zero":  {3, map[string]int32{"a": 0, "b": 1}, "", map[string]int64{"a": 0, "b": 3}},
		"fewer than clusters": {1, map[string]int32{"a": 1, "b": 1, "c": 1}, "", map[string]int64{"a": 1, "b": 0, "c": 0}},
		"uneven":              {17, map[string]int32{"a": 5, "b": 3, "c": 1}, "", map[string]int64{"a": 9, "b": 6, "c": 2}},
		"nobody has replicas": {3, map[string]int32{"a": 0}, "", nil},
	} {
		var clusters []workv1alpha2.TargetCluster
		for name, n := range c.replicas {
			clusters = append(clusters, workv1alpha2.TargetCluster{Name: name, Replicas: n})
		}
		if diff := cmp.Diff(c.want, divideCompletions(c.completions, clusters, types.UID(c.uid))); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestClusters(t *testing.T) {
	spec := &workv1alpha2.ResourceBindingSpec{
		Clusters:   []workv1alpha2.TargetCluster{{Name: "a", Replicas: 1}},
		RequiredBy: []workv1alpha2.BindingSnapshot{{Clusters: []workv1alpha2.TargetCluster{{Name: "a", Replicas: 9}, {Name: "b"}}}},
		GracefulEvictionTasks: []workv1alpha2.GracefulEvictionTask{
			{FromCluster: "c", PurgeMode: policyv1alpha1.PurgeModeGracefully},
			{FromCluster: "d", PurgeMode: policyv1alpha1.PurgeModeDirectly},
		},
	}
	if got := targets(spec); !slices.Equal(got, []workv1alpha2.TargetCluster{{Name: "a", Replicas: 1}, {Name: "b"}}) {
		t.Errorf("targets %v", got)
	}
	if got := sets.List(Clusters(spec)); !slices.Equal(got, []string{"a", "b", "c"}) {
		t.Errorf("Works stay in %v", got)
	}
	if got := sets.List(purgedDirectly(spec)); !slices.Equal(got, []string{"d"}) {
		t.Errorf("to be left first: %v", got)
	}
}

func TestSuspended(t *testing.T) {
	on := func(names ...string) *workv1alpha2.Suspension {
		return &workv1alpha2.Suspension{Suspension: policyv1alpha1.Suspension{DispatchingOnClusters: &policyv1alpha1.SuspendClusters{ClusterNames: names}}}
	}
	for name, c := range map[string]struct {
		s    *workv1alpha2.Suspension
		want bool
	}{
		"no suspension":   {nil, false},
		"all":             {&workv1alpha2.Suspension{Suspension: policyv1alpha1.Suspension{Dispatching: ptr.To(true)}}, true},
		"this cluster":    {on("b", "a"), true},
		"another cluster": {on("b"), false},
		"scheduling only": {&workv1alpha2.Suspension{Scheduling: ptr.To(true)}, false},
	} {
		if got := suspended(c.s, "a"); got != c.want {
			t.Errorf("%s: %t, want %t", name, got, c.want)
		}
	}
}

// A Work that is rendered again without anything having changed is the same, to the byte.
func TestRenderIsStable(t *testing.T) {
	make := func(was *workv1alpha1.Work) *workv1alpha1.Work {
		manifest := decode(t, `{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"a","namespace":"n","uid":"u","generation":3,"annotations":{"mine":"1"}},"data":{"k":"<v>"}}`)
		origin(manifest, "plane")
		w, err := wanted{name: "w", namespace: "karmada-es-m", manifest: manifest, labels: map[string]string{"id": "1"}, annotations: map[string]string{"back": "b"}}.render(was)
		if err != nil {
			t.Fatal(err)
		}
		return w
	}
	first := make(nil)
	if diff := cmp.Diff(first, make(first)); diff != "" {
		t.Error("rendered again (-first +again):", diff)
	}
	var manifest unstructured.Unstructured
	if err := utiljson.Unmarshal(first.Spec.Workload.Manifests[0].Raw, &manifest.Object); err != nil {
		t.Fatal(err)
	}
	const want = "atoll.dev/plane-uid,atoll.dev/template-generation,atoll.dev/template-uid,mine,resourcetemplate.karmada.io/generation," +
		"resourcetemplate.karmada.io/managed-annotations,resourcetemplate.karmada.io/managed-labels,resourcetemplate.karmada.io/uid,work.karmada.io/name,work.karmada.io/namespace"
	if got := manifest.GetAnnotations()[workv1alpha2.ManagedAnnotation]; got != want {
		t.Errorf("managed annotations %s, want %s", got, want)
	}
}

func TestConflictResolution(t *testing.T) {
	for name, c := range map[string]struct {
		annotation string
		binding    policyv1alpha1.ConflictResolution
		want       string
	}{
		"default":                       {"", "", "abort"},
		"the binding's":                 {"", policyv1alpha1.ConflictOverwrite, "overwrite"},
		"the template's":                {"abort", policyv1alpha1.ConflictOverwrite, "abort"},
		"the template's, but it is odd": {"maybe", policyv1alpha1.ConflictOverwrite, "overwrite"},
	} {
		manifest := &unstructured.Unstructured{Object: map[string]any{}}
		if c.annotation != "" {
			manifest.SetAnnotations(map[string]string{workv1alpha2.ResourceConflictResolutionAnnotation: c.annotation})
		}
		if got := conflictResolution(manifest, c.binding); got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
}
