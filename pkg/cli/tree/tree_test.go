package tree

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	clusterv1alpha1 "github.com/karmada-io/karmada/pkg/apis/cluster/v1alpha1"
	policyv1alpha1 "github.com/karmada-io/karmada/pkg/apis/policy/v1alpha1"
	workv1alpha1 "github.com/karmada-io/karmada/pkg/apis/work/v1alpha1"
	workv1alpha2 "github.com/karmada-io/karmada/pkg/apis/work/v1alpha2"
	"github.com/karmada-io/karmada/pkg/generated/clientset/versioned/fake"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"

	"atoll.dev/atoll/apis/karmada/wellknown"
)

var now = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

func condition(kind string, status metav1.ConditionStatus, reason, message string) []metav1.Condition {
	return []metav1.Condition{{Type: kind, Status: status, Reason: reason, Message: message, LastTransitionTime: metav1.NewTime(now.Add(-5 * time.Minute))}}
}

func cluster(name string, conditions []metav1.Condition) *clusterv1alpha1.Cluster {
	return &clusterv1alpha1.Cluster{ObjectMeta: metav1.ObjectMeta{Name: name}, Status: clusterv1alpha1.ClusterStatus{Conditions: conditions}}
}

func readyCluster(name string) *clusterv1alpha1.Cluster {
	return cluster(name, condition("Ready", metav1.ConditionTrue, "ClusterReady", "cluster is healthy and ready to accept workloads"))
}

func work(cluster string, conditions []metav1.Condition) *workv1alpha1.Work {
	w := &workv1alpha1.Work{ObjectMeta: metav1.ObjectMeta{Namespace: wellknown.ExecutionNamespace(cluster), Name: wellknown.WorkName("Deployment", "nginx", "web")}}
	w.Status.Conditions = conditions
	return w
}

var applied = condition("Applied", metav1.ConditionTrue, "AppliedSuccessful", "")

func item(cluster string, health workv1alpha2.ResourceHealth, status string) workv1alpha2.AggregatedStatusItem {
	return workv1alpha2.AggregatedStatusItem{ClusterName: cluster, Applied: true, Health: health, Status: &runtime.RawExtension{Raw: []byte(status)}}
}

func bindingTo(scheduled []metav1.Condition, clusters ...string) *workv1alpha2.ResourceBinding {
	b := &workv1alpha2.ResourceBinding{ObjectMeta: metav1.ObjectMeta{Namespace: "web", Name: "nginx-deployment",
		Labels: map[string]string{policyv1alpha1.PropagationPolicyPermanentIDLabel: "id"}}}
	b.Spec.Resource = workv1alpha2.ObjectReference{APIVersion: "apps/v1", Kind: "Deployment", Namespace: "web", Name: "nginx"}
	b.Status.Conditions = scheduled
	for _, c := range clusters {
		b.Spec.Clusters = append(b.Spec.Clusters, workv1alpha2.TargetCluster{Name: c, Replicas: 2})
	}
	return b
}

var scheduled = condition("Scheduled", metav1.ConditionTrue, "Success", "Binding has been scheduled successfully.")

func template(status string) *unstructured.Unstructured {
	obj := &unstructured.Unstructured{}
	claimed := `"annotations": {"propagationpolicy.karmada.io/namespace": "web", "propagationpolicy.karmada.io/name": "nginx"}`
	if err := obj.UnmarshalJSON([]byte(`{"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"namespace": "web", "name": "nginx", ` + claimed + `}, "status": ` + status + `}`)); err != nil {
		panic(err)
	}
	return obj
}

var policy = &policyv1alpha1.PropagationPolicy{ObjectMeta: metav1.ObjectMeta{Namespace: "web", Name: "nginx",
	Labels: map[string]string{policyv1alpha1.PropagationPolicyPermanentIDLabel: "id"}}}

func show(t *testing.T, obj *unstructured.Unstructured, objs ...runtime.Object) string {
	t.Helper()
	root, err := NewCollector(fake.NewSimpleClientset(objs...)).Collect(t.Context(), obj)
	if err != nil {
		t.Fatal(err)
	}
	out := &bytes.Buffer{}
	if err := Print(out, root, now); err != nil {
		t.Fatal(err)
	}
	// Trailing blanks and the width of columns are the table writer's.
	var lines []string
	for _, line := range strings.Split(strings.TrimSpace(out.String()), "\n") {
		lines = append(lines, strings.Join(strings.Fields(line), " "))
	}
	return strings.Join(lines, "\n")
}

func TestTrees(t *testing.T) {
	partly := bindingTo(scheduled, "m1", "m2")
	partly.Status.AggregatedStatus = []workv1alpha2.AggregatedStatusItem{
		item("m1", workv1alpha2.ResourceHealthy, `{"replicas": 2, "readyReplicas": 2}`), item("m2", workv1alpha2.ResourceUnhealthy, `{"replicas": 2, "readyReplicas": 1}`)}
	well := bindingTo(scheduled, "m1")
	well.Status.AggregatedStatus = partly.Status.AggregatedStatus[:1]
	alien := template("{}")
	alien.SetAnnotations(nil)
	evicted := bindingTo(scheduled, "m1")
	evicted.Status.AggregatedStatus = well.Status.AggregatedStatus
	evicted.Spec.GracefulEvictionTasks = []workv1alpha2.GracefulEvictionTask{{FromCluster: "m2", Reason: "TaintUntolerated", Message: "m2 is gone"}}

	for name, c := range map[string]struct {
		template *unstructured.Unstructured
		objs     []runtime.Object
		want     string
	}{
		"all well": {template(`{"replicas": 2, "readyReplicas": 2}`), []runtime.Object{policy, well, readyCluster("m1"), work("m1", applied)}, `
NAME READY REASON SINCE MESSAGE
Deployment web/nginx True 2 of 2 replicas ready
└── PropagationPolicy web/nginx True
└── ResourceBinding web/nginx-deployment True 5m 1 of 1 clusters ready
└── Cluster m1 True Healthy 2 of 2 replicas ready`},
		"one cluster is behind": {template(`{"replicas": 4, "readyReplicas": 3}`), []runtime.Object{policy, partly, readyCluster("m1"), readyCluster("m2"), work("m1", applied), work("m2", applied)}, `
NAME READY REASON SINCE MESSAGE
Deployment web/nginx False 3 of 4 replicas ready
└── PropagationPolicy web/nginx False
└── ResourceBinding web/nginx-deployment False 5m 1 of 2 clusters ready
├── Cluster m1 True Healthy 2 of 2 replicas ready
└── Cluster m2 False Unhealthy 1 of 2 replicas ready`},
		"nobody selects it": {alien, nil, `
NAME READY REASON SINCE MESSAGE
Deployment web/nginx False NotSelected no PropagationPolicy or ClusterPropagationPolicy selects it`},
		"the policy is gone": {template("{}"), nil, `
NAME READY REASON SINCE MESSAGE
Deployment web/nginx False
└── PropagationPolicy web/nginx False PolicyMissing it claimed the template and was deleted since
└── ResourceBinding web/nginx-deployment Unknown Pending the binding is not made yet`},
		"no cluster fits": {template("{}"), []runtime.Object{policy, bindingTo(condition("Scheduled", metav1.ConditionFalse, "NoClusterFit", "0/2 clusters fit: 2 outside the cluster affinity"))}, `
NAME READY REASON SINCE MESSAGE
Deployment web/nginx False
└── PropagationPolicy web/nginx False
└── ResourceBinding web/nginx-deployment False NoClusterFit 5m 0/2 clusters fit: 2 outside the cluster affinity`},
		"not scheduled yet": {template("{}"), []runtime.Object{policy, bindingTo(nil)}, `
NAME READY REASON SINCE MESSAGE
Deployment web/nginx Unknown
└── PropagationPolicy web/nginx Unknown
└── ResourceBinding web/nginx-deployment Unknown Pending not scheduled yet; is the scheduler running?`},
		"the member refuses it": {template("{}"), []runtime.Object{policy, bindingTo(scheduled, "m1"), readyCluster("m1"),
			work("m1", condition("Applied", metav1.ConditionFalse, "AppliedFailed", "namespaces \"web\" not found"))}, `
NAME READY REASON SINCE MESSAGE
Deployment web/nginx False
└── PropagationPolicy web/nginx False
└── ResourceBinding web/nginx-deployment False 5m 0 of 1 clusters ready
└── Cluster m1 False AppliedFailed 5m namespaces "web" not found`},
		"the cluster is lost": {template("{}"), []runtime.Object{policy, well, work("m1", applied),
			cluster("m1", condition("Ready", metav1.ConditionFalse, "ClusterNotReachable", "cluster is not reachable"))}, `
NAME READY REASON SINCE MESSAGE
Deployment web/nginx False
└── PropagationPolicy web/nginx False
└── ResourceBinding web/nginx-deployment False 5m 0 of 1 clusters ready
└── Cluster m1 False ClusterNotReachable 5m cluster is not reachable; last known: 2 of 2 replicas ready`},
		"the cluster left": {template("{}"), []runtime.Object{policy, bindingTo(scheduled, "m1")}, `
NAME READY REASON SINCE MESSAGE
Deployment web/nginx False
└── PropagationPolicy web/nginx False
└── ResourceBinding web/nginx-deployment False 5m 0 of 1 clusters ready
└── Cluster m1 False ClusterMissing no cluster of that name is joined`},
		"on its way": {template("{}"), []runtime.Object{policy, bindingTo(scheduled, "m1"), readyCluster("m1")}, `
NAME READY REASON SINCE MESSAGE
Deployment web/nginx Unknown
└── PropagationPolicy web/nginx Unknown
└── ResourceBinding web/nginx-deployment Unknown 5m 0 of 1 clusters ready
└── Cluster m1 Unknown Pending not dispatched yet`},
		"moving away": {template("{}"), []runtime.Object{policy, evicted, readyCluster("m1"), work("m1", applied)}, `
NAME READY REASON SINCE MESSAGE
Deployment web/nginx Unknown
└── PropagationPolicy web/nginx Unknown
└── ResourceBinding web/nginx-deployment Unknown 5m 1 of 2 clusters ready
├── Cluster m1 True Healthy 2 of 2 replicas ready
└── Cluster m2 Unknown Evicting is being left, TaintUntolerated: m2 is gone`},
	} {
		if got := show(t, c.template, c.objs...); got != strings.TrimSpace(c.want) {
			t.Errorf("%s:\n%s\nwant\n%s", name, got, strings.TrimSpace(c.want))
		}
	}
}

func TestTreeOfAPolicy(t *testing.T) {
	well := bindingTo(scheduled, "m1")
	well.Status.AggregatedStatus = []workv1alpha2.AggregatedStatusItem{item("m1", workv1alpha2.ResourceHealthy, `{"replicas": 2, "readyReplicas": 2}`)}
	raw, err := runtime.DefaultUnstructuredConverter.ToUnstructured(policy)
	if err != nil {
		t.Fatal(err)
	}
	obj := &unstructured.Unstructured{Object: raw}
	obj.SetAPIVersion(policyv1alpha1.GroupVersion.String())
	obj.SetKind(policyv1alpha1.ResourceKindPropagationPolicy)
	want := `NAME READY REASON SINCE MESSAGE
PropagationPolicy web/nginx True 1 of 1 templates ready
└── Deployment web/nginx True
└── ResourceBinding web/nginx-deployment True 5m 1 of 1 clusters ready
└── Cluster m1 True Healthy 2 of 2 replicas ready`
	if got := show(t, obj, policy, well, readyCluster("m1"), work("m1", applied)); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// The lines of the tree and those of the table must belong together, however deep and wide.
func TestEveryLineIsItsNodes(t *testing.T) {
	root := &Node{Kind: "Root", Name: "r", Ready: "True"}
	var build func(n *Node, depth int)
	build = func(n *Node, depth int) {
		for i := range 3 {
			c := &Node{Kind: "Node", Name: fmt.Sprintf("%s.%d", n.Name, i)}
			c.Message = "message of " + c.Name
			n.Children = append(n.Children, c)
			if depth > 0 {
				build(c, depth-1)
			}
		}
	}
	build(root, 3)
	out := &bytes.Buffer{}
	if err := Print(out, root, now); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")[2:]
	if len(lines) != 3+9+27+81 {
		t.Fatalf("got %d lines", len(lines))
	}
	for _, line := range lines {
		name, message, ok := strings.Cut(line, "message of ")
		if fields := strings.Fields(name); !ok || fields[len(fields)-1] != strings.TrimSpace(message) {
			t.Errorf("line %q mixes two nodes", line)
		}
	}
}
