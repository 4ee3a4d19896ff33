package defaults

import (
	"encoding/json"
	"math"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apiequality "k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/diff"
	"k8s.io/utils/ptr"

	"github.com/karmada-io/karmada/pkg/apis/cluster"
	policyv1alpha1 "github.com/karmada-io/karmada/pkg/apis/policy/v1alpha1"
	workv1alpha1 "github.com/karmada-io/karmada/pkg/apis/work/v1alpha1"
	workv1alpha2 "github.com/karmada-io/karmada/pkg/apis/work/v1alpha2"

	"atoll.dev/atoll/apis/karmada/wellknown"
)

func equal(t *testing.T, got, want any) {
	t.Helper()
	if !apiequality.Semantic.DeepEqual(got, want) {
		t.Errorf("got, want: %s", diff.Diff(got, want))
	}
}

// TestPolicyIsCompleted: what Karmada's webhook sets, field by field.
func TestPolicyIsCompleted(t *testing.T) {
	p := &policyv1alpha1.PropagationPolicy{ObjectMeta: metav1.ObjectMeta{Namespace: "team"}}
	p.Spec.ResourceSelectors = []policyv1alpha1.ResourceSelector{{Kind: "Deployment"}, {Kind: "Secret", Namespace: "other"}}
	p.Spec.Placement.SpreadConstraints = []policyv1alpha1.SpreadConstraint{{MaxGroups: 3}, {SpreadByLabel: "rack", MinGroups: 2}}
	p.Spec.Placement.ReplicaScheduling = &policyv1alpha1.ReplicaSchedulingStrategy{ReplicaSchedulingType: policyv1alpha1.ReplicaSchedulingTypeDivided}
	p.Spec.Failover = &policyv1alpha1.FailoverBehavior{Application: &policyv1alpha1.ApplicationFailoverBehavior{PurgeMode: policyv1alpha1.PurgeModeGracefully}}
	CreatePropagationPolicy(p)

	equal(t, p.Spec.ResourceSelectors, []policyv1alpha1.ResourceSelector{{Kind: "Deployment", Namespace: "team"}, {Kind: "Secret", Namespace: "other"}})
	equal(t, p.Spec.Placement.SpreadConstraints, []policyv1alpha1.SpreadConstraint{{SpreadByField: policyv1alpha1.SpreadByFieldCluster, MaxGroups: 3, MinGroups: 1}, {SpreadByLabel: "rack", MinGroups: 2}})
	equal(t, p.Spec.Placement.ReplicaScheduling.ReplicaDivisionPreference, policyv1alpha1.ReplicaDivisionPreferenceWeighted)
	equal(t, p.Spec.Failover.Application.GracePeriodSeconds, ptr.To[int32](600))
	equal(t, p.Spec.PropagateDeps, false)
	equal(t, p.Finalizers, []string{wellknown.PropagationPolicyControllerFinalizer})
	id := p.Labels[policyv1alpha1.PropagationPolicyPermanentIDLabel]
	if id == "" {
		t.Error("no permanent ID")
	}
	again := p.DeepCopy()
	UpdatePropagationPolicy(again, p)
	equal(t, again, p)
	again.Labels = nil
	UpdatePropagationPolicy(again, p)
	equal(t, again.Labels[policyv1alpha1.PropagationPolicyPermanentIDLabel], id)
}

func TestPolicyOfServiceImportsPropagatesDependencies(t *testing.T) {
	for apiVersion, want := range map[string]bool{"multicluster.x-k8s.io/v1alpha1": true, "example.com/v1": false} {
		p := &policyv1alpha1.ClusterPropagationPolicy{}
		p.Spec.ResourceSelectors = []policyv1alpha1.ResourceSelector{{APIVersion: apiVersion, Kind: "ServiceImport"}}
		CreateClusterPropagationPolicy(p)
		equal(t, p.Spec.PropagateDeps, want)
		equal(t, p.Spec.ResourceSelectors[0].Namespace, "")
	}
}

func TestDuplicatedReplicasAreNotWeighted(t *testing.T) {
	p := &policyv1alpha1.ClusterPropagationPolicy{}
	p.Spec.Placement.ReplicaScheduling = &policyv1alpha1.ReplicaSchedulingStrategy{ReplicaSchedulingType: policyv1alpha1.ReplicaSchedulingTypeDuplicated}
	CreateClusterPropagationPolicy(p)
	equal(t, p.Spec.Placement.ReplicaScheduling.ReplicaDivisionPreference, policyv1alpha1.ReplicaDivisionPreference(""))
}

// TestBindingKeepsItsID: an ID that came with the binding, as after a restore, stays.
func TestBindingKeepsItsID(t *testing.T) {
	b := &workv1alpha2.ResourceBinding{ObjectMeta: metav1.ObjectMeta{Labels: map[string]string{workv1alpha2.ResourceBindingPermanentIDLabel: "1"}}}
	CreateResourceBinding(b)
	equal(t, b.Labels[workv1alpha2.ResourceBindingPermanentIDLabel], "1")
	c := &workv1alpha2.ClusterResourceBinding{}
	CreateClusterResourceBinding(c)
	if c.Labels[workv1alpha2.ClusterResourceBindingPermanentIDLabel] == "" {
		t.Error("no permanent ID")
	}
}

func TestCluster(t *testing.T) {
	first := metav1.NewTime(time.Date(2024, 1, 2, 3, 4, 5, 0, time.UTC))
	later := metav1.NewTime(first.Add(time.Hour))
	c := &cluster.Cluster{}
	c.Spec.Zone = "a"
	c.Spec.Taints = []corev1.Taint{{Key: "x", Effect: corev1.TaintEffectNoExecute}, {Key: "y", Effect: corev1.TaintEffectNoSchedule}}
	CreateCluster(c, first)
	equal(t, c.Spec.Zone, "")
	equal(t, c.Spec.Zones, []string{"a"})
	equal(t, c.Spec.Taints[0].TimeAdded, &first)
	equal(t, c.Spec.Taints[1].TimeAdded, (*metav1.Time)(nil))
	equal(t, len(c.Spec.ResourceModels), 9)
	equal(t, c.Spec.ResourceModels[2].Ranges, []cluster.ResourceModelRange{
		{Name: corev1.ResourceCPU, Min: resource.MustParse("2"), Max: resource.MustParse("4")},
		{Name: corev1.ResourceMemory, Min: resource.MustParse("16Gi"), Max: resource.MustParse("32Gi")},
	})
	equal(t, c.Spec.ResourceModels[8].Ranges[1].Max.Value(), int64(math.MaxInt64))

	// Applied again without the time, the taint is as old as it was; another value is a new taint.
	again := c.DeepCopy()
	again.Spec.Taints[0].TimeAdded = nil
	UpdateCluster(again, c, later)
	equal(t, again.Spec.Taints[0].TimeAdded, &first)
	again.Spec.Taints[0].TimeAdded, again.Spec.Taints[0].Value = nil, "other"
	UpdateCluster(again, c, later)
	equal(t, again.Spec.Taints[0].TimeAdded, &later)
}

func TestModelsAreStandardized(t *testing.T) {
	model := func(grade uint, min, max string) cluster.ResourceModel {
		return cluster.ResourceModel{Grade: grade, Ranges: []cluster.ResourceModelRange{{Name: corev1.ResourceCPU, Min: resource.MustParse(min), Max: resource.MustParse(max)}}}
	}
	c := &cluster.Cluster{Spec: cluster.ClusterSpec{ResourceModels: []cluster.ResourceModel{model(2, "2", "4"), model(1, "1", "2")}}}
	UpdateCluster(c, nil, metav1.Time{})
	equal(t, c.Spec.ResourceModels, []cluster.ResourceModel{model(1, "0", "2"), model(2, "2", "9223372036854775807")})
}

// TestNormalizeManifest: what Karmada drops from a manifest, kind by kind.
func TestNormalizeManifest(t *testing.T) {
	for name, c := range map[string]struct{ in, want string }{
		"server fields": {
			`{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"a","uid":"1","resourceVersion":"2","generation":3,"creationTimestamp":"2024-01-02T03:04:05Z","deletionTimestamp":"2024-01-02T03:04:05Z",
			  "deletionGracePeriodSeconds":0,"selfLink":"/a","managedFields":[{}],"ownerReferences":[{}],"finalizers":["f"]},"data":{"k":"v"},"status":{"a":1}}`,
			`{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"a"},"data":{"k":"v"}}`},
		"Deployment": {
			`{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"a","annotations":{"deployment.kubernetes.io/revision":"1","keep":"x"}},"spec":{"replicas":9007199254740993}}`,
			`{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"a","annotations":{"keep":"x"}},"spec":{"replicas":9007199254740993}}`},
		"Job": {
			`{"apiVersion":"batch/v1","kind":"Job","metadata":{"name":"a"},"spec":{"ttlSecondsAfterFinished":5,"selector":{"matchLabels":{"controller-uid":"1","batch.kubernetes.io/controller-uid":"1"}},
			  "template":{"metadata":{"labels":{"controller-uid":"1","batch.kubernetes.io/controller-uid":"1","job-name":"a","batch.kubernetes.io/job-name":"a","app":"b"}}}}}`,
			`{"apiVersion":"batch/v1","kind":"Job","metadata":{"name":"a"},"spec":{"selector":{"matchLabels":{}},"template":{"metadata":{"labels":{"app":"b"}}}}}`},
		"Job with a selector of the user": {
			`{"apiVersion":"batch/v1","kind":"Job","metadata":{"name":"a"},"spec":{"manualSelector":true,"selector":{"matchLabels":{"controller-uid":"1"}}}}`,
			`{"apiVersion":"batch/v1","kind":"Job","metadata":{"name":"a"},"spec":{"manualSelector":true,"selector":{"matchLabels":{"controller-uid":"1"}}}}`},
		"token Secret": {
			`{"apiVersion":"v1","kind":"Secret","metadata":{"name":"a","annotations":{"kubernetes.io/service-account.uid":"1"}},"type":"kubernetes.io/service-account-token","data":{"token":"eA=="}}`,
			`{"apiVersion":"v1","kind":"Secret","metadata":{"name":"a"},"type":"kubernetes.io/service-account-token","data":null}`},
		"ServiceAccount": {
			`{"apiVersion":"v1","kind":"ServiceAccount","metadata":{"name":"a"},"secrets":[{"name":"a-token-1"},{"name":"a-token-2"},{"name":"mine"}]}`,
			`{"apiVersion":"v1","kind":"ServiceAccount","metadata":{"name":"a"},"secrets":[{"name":"mine"}]}`},
		"Service": {
			`{"apiVersion":"v1","kind":"Service","metadata":{"name":"a"},"spec":{"clusterIP":"10.0.0.1","clusterIPs":["10.0.0.1"],"type":"ClusterIP"}}`,
			`{"apiVersion":"v1","kind":"Service","metadata":{"name":"a"},"spec":{"type":"ClusterIP"}}`},
		"headless Service": {
			`{"apiVersion":"v1","kind":"Service","metadata":{"name":"a"},"spec":{"clusterIP":"None","clusterIPs":["None"]}}`,
			`{"apiVersion":"v1","kind":"Service","metadata":{"name":"a"},"spec":{"clusterIP":"None","clusterIPs":["None"]}}`},
		"PersistentVolumeClaim": {
			`{"apiVersion":"v1","kind":"PersistentVolumeClaim","metadata":{"name":"a","annotations":{"volume.kubernetes.io/selected-node":"n"}}}`,
			`{"apiVersion":"v1","kind":"PersistentVolumeClaim","metadata":{"name":"a"}}`},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := NormalizeManifest([]byte(c.in), "id")
			if err != nil {
				t.Fatal(err)
			}
			if large := "9007199254740993"; strings.Contains(c.in, large) && !strings.Contains(string(got), large) {
				t.Errorf("a large number was rounded: %s", got)
			}
			want := parse(t, c.want)
			metadata := want["metadata"].(map[string]any)
			annotations, _ := metadata["annotations"].(map[string]any)
			keys := ""
			if annotations == nil {
				annotations = map[string]any{}
			}
			for key := range annotations {
				keys = key + "," // one at most, and alphabetically the first
			}
			metadata["labels"] = map[string]any{"work.karmada.io/permanent-id": "id"}
			annotations["resourcetemplate.karmada.io/managed-labels"] = "work.karmada.io/permanent-id"
			annotations["resourcetemplate.karmada.io/managed-annotations"] = keys + "resourcetemplate.karmada.io/managed-annotations,resourcetemplate.karmada.io/managed-labels"
			metadata["annotations"] = annotations
			equal(t, parse(t, string(got)), want)
			again, err := NormalizeManifest(got, "id")
			if err != nil || string(again) != string(got) {
				t.Errorf("not idempotent: %s (%v), then %s", got, err, again)
			}
		})
	}
}

func parse(t *testing.T, raw string) map[string]any {
	t.Helper()
	object := map[string]any{}
	if err := json.Unmarshal([]byte(raw), &object); err != nil {
		t.Fatal(err)
	}
	return object
}

func TestWorkIsWrittenOnce(t *testing.T) {
	work := func(raw string) *workv1alpha1.Work {
		return &workv1alpha1.Work{Spec: workv1alpha1.WorkSpec{Workload: workv1alpha1.WorkloadTemplate{Manifests: []workv1alpha1.Manifest{{RawExtension: runtime.RawExtension{Raw: []byte(raw)}}}}}}
	}
	old := work(`{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"a","uid":"1"}}`)
	WriteWork(old, nil)
	id := old.Labels[workv1alpha2.WorkPermanentIDLabel]
	if id == "" {
		t.Error("no permanent ID")
	}
	same := old.DeepCopy()
	same.Labels = nil
	WriteWork(same, old)
	equal(t, same, old)
	broken := work(`[]`)
	WriteWork(broken, nil)
	equal(t, string(broken.Spec.Workload.Manifests[0].Raw), `[]`)
}
