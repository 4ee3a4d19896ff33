package foundation

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/yaml"

	"atoll.dev/atoll/e2e/testbed"
)

var resources = map[string]schema.GroupVersionResource{
	"Cluster":                  resource("cluster.karmada.io", "v1alpha1", "clusters"),
	"CronFederatedHPA":         resource("autoscaling.karmada.io", "v1alpha1", "cronfederatedhpas"),
	"Deployment":               resource("apps", "v1", "deployments"),
	"FederatedHPA":             resource("autoscaling.karmada.io", "v1alpha1", "federatedhpas"),
	"FederatedResourceQuota":   resource("policy.karmada.io", "v1alpha1", "federatedresourcequotas"),
	"MultiClusterIngress":      resource("networking.karmada.io", "v1alpha1", "multiclusteringresses"),
	"MultiClusterService":      resource("networking.karmada.io", "v1alpha1", "multiclusterservices"),
	"ClusterPropagationPolicy": resource("policy.karmada.io", "v1alpha1", "clusterpropagationpolicies"),
	"PropagationPolicy":        resource("policy.karmada.io", "v1alpha1", "propagationpolicies"),
	"ResourceRegistry":         resource("search.karmada.io", "v1alpha1", "resourceregistries"),
	"Service":                  resource("", "v1", "services"),
	"OverridePolicy":           resource("policy.karmada.io", "v1alpha1", "overridepolicies"),
}

// clusterScoped are the kinds above without a namespace.
var clusterScoped = []string{"Cluster", "ClusterPropagationPolicy", "ResourceRegistry"}

// TestRefused creates objects that the API server must refuse, naming the field
// and, where one is at fault, the value.
func TestRefused(t *testing.T) {
	const selectors = `resourceSelectors: [{apiVersion: apps/v1, kind: Deployment}]`
	for _, test := range []struct {
		name, kind, object, field, value string
	}{
		{"policy without selectors", "PropagationPolicy",
			`spec: {placement: {}}`, "spec.resourceSelectors", ""},
		{"two ways to choose clusters", "PropagationPolicy",
			`spec: {` + selectors + `, placement: {clusterAffinity: {clusterNames: [a]}, clusterAffinities: [{affinityName: x, clusterNames: [b]}]}}`, "spec.placement", ""},
		{"spread with more at least than at most", "PropagationPolicy",
			`spec: {` + selectors + `, placement: {spreadConstraints: [{spreadByField: cluster, minGroups: 3, maxGroups: 2}]}}`, "spec.placement.spreadConstraints[0]", "2"},
		{"unknown conflict resolution", "PropagationPolicy",
			`spec: {` + selectors + `, conflictResolution: Fight}`, "spec.conflictResolution", "Fight"},
		{"unknown replica scheduling", "ClusterPropagationPolicy",
			`spec: {` + selectors + `, placement: {replicaScheduling: {replicaSchedulingType: Sometimes}}}`, "spec.placement.replicaScheduling.replicaSchedulingType", "Sometimes"},
		{"weight of zero", "PropagationPolicy",
			`spec: {` + selectors + `, placement: {replicaScheduling: {replicaSchedulingType: Divided, replicaDivisionPreference: Weighted, weightPreference: {staticWeightList: [{targetCluster: {clusterNames: [a]}, weight: 0}]}}}}`,
			"spec.placement.replicaScheduling.weightPreference.staticWeightList[0].weight", "0"},
		{"override of an unknown operation", "OverridePolicy",
			`spec: {overrideRules: [{overriders: {plaintext: [{path: /x, operator: multiply}]}}]}`, "spec.overrideRules[0].overriders.plaintext[0].operator", "multiply"},
		{"cluster with an impossible sync mode", "Cluster",
			`spec: {syncMode: Telepathy}`, "spec.syncMode", "Telepathy"},
		{"cluster with an impossible endpoint", "Cluster",
			`spec: {syncMode: Push, apiEndpoint: "not a url", secretRef: {namespace: karmada-cluster, name: x}}`, "spec.apiEndpoint", "not a url"},
		{"selector of a deployment that misses its pods", "Deployment",
			`spec: {selector: {matchLabels: {app: a}}, template: {metadata: {labels: {app: b}}, spec: {containers: [{name: c, image: x}]}}}`, "spec.template.metadata.labels", "b"},
		{"negative replicas", "Deployment",
			`spec: {replicas: -1, selector: {matchLabels: {app: a}}, template: {metadata: {labels: {app: a}}, spec: {containers: [{name: c, image: x}]}}}`, "spec.replicas", "-1"},
	} {
		t.Run(test.name, func(t *testing.T) {
			err := create(t, fleet.plane.dynamic, test.kind, test.object)
			if err == nil {
				t.Fatal("accepted")
			}
			status := apierrors.APIStatus(nil)
			if s, ok := err.(apierrors.APIStatus); ok {
				status = s
			}
			if !apierrors.IsInvalid(err) || status == nil {
				t.Fatalf("error %v (reason %s), want it to be Invalid", err, apierrors.ReasonForError(err))
			}
			details := status.Status().Details
			if details == nil || !slices.ContainsFunc(details.Causes, func(c metav1.StatusCause) bool {
				return strings.HasPrefix(c.Field, test.field) && strings.Contains(c.Message, test.value)
			}) {
				t.Errorf("error %v with details %+v, want a cause for field %s that names %q", err, details, test.field, test.value)
			}
		})
	}
}

// TestUnsupportedKinds creates objects whose controllers do not exist yet: they
// are stored, with a warning to whoever creates them.
func TestUnsupportedKinds(t *testing.T) {
	for kind, object := range map[string]string{
		"FederatedHPA":           `spec: {scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: x}, minReplicas: 1, maxReplicas: 2}`,
		"CronFederatedHPA":       `spec: {scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: x}, rules: [{name: r, schedule: "0 0 1 1 *", targetReplicas: 1}]}`,
		"FederatedResourceQuota": `spec: {overall: {cpu: "1"}}`,
		"MultiClusterService":    `spec: {types: [CrossCluster], ports: [{port: 80}]}`,
		"MultiClusterIngress":    `spec: {defaultBackend: {service: {name: x, port: {number: 80}}}}`,
		"ResourceRegistry":       `spec: {targetCluster: {}, resourceSelectors: [{apiVersion: apps/v1, kind: Deployment}]}`,
	} {
		t.Run(kind, func(t *testing.T) {
			warnings := &warnings{}
			config := rest.CopyConfig(fleet.atoll.RestConfig)
			config.WarningHandler = warnings
			client, err := dynamic.NewForConfig(config)
			must(t, err)
			must(t, create(t, client, kind, object))
			if got := warnings.all(); !strings.Contains(got, kind) {
				t.Errorf("warnings %q, want one about %s", got, kind)
			}
			noticed(t, kind)
		})
	}
}

// noticed waits until later readers are told too: by a condition where the kind has any, else by an event.
func noticed(t *testing.T, kind string) {
	t.Helper()
	kubectl, err := testbed.Kubectl(fleet.atoll.Kubeconfig)
	must(t, err)
	switch kind {
	case "FederatedHPA", "MultiClusterService", "ResourceRegistry":
		must(t, kubectl.Run(t.Context(), "wait", "--for=condition=Unsupported", "--timeout=60s", "--all", "-A", resources[kind].Resource).Err())
	default:
		eventually(t, "an event about "+kind, func(ctx context.Context) error {
			r := kubectl.Run(ctx, "get", "events", "-A", "--field-selector", "reason=Unsupported,involvedObject.kind="+kind, "-o", "name")
			if r.Stdout == "" {
				return fmt.Errorf("none yet: %v", r.Err())
			}
			return nil
		})
	}
}

// TestTemplatesKeepAddresses creates two Services that ask for the same
// addresses: templates may, since they can go to different members.
func TestTemplatesKeepAddresses(t *testing.T) {
	const service = `spec: {type: NodePort, clusterIP: 10.96.7.7, selector: {app: x}, ports: [{port: 80, nodePort: 30123}]}`
	for range 2 {
		must(t, create(t, fleet.plane.dynamic, "Service", service))
	}
}

// create creates an object, given by all but kind and metadata, until the end
// of the test.
func create(t *testing.T, client dynamic.Interface, kind, object string) error {
	t.Helper()
	o := &unstructured.Unstructured{}
	must(t, yaml.Unmarshal([]byte(object), &o.Object))
	gvr := resources[kind]
	o.SetAPIVersion(gvr.GroupVersion().String())
	o.SetKind(kind)
	o.SetName(fmt.Sprintf("x-%s", strings.ToLower(kind)))
	var objects dynamic.ResourceInterface = client.Resource(gvr)
	if !slices.Contains(clusterScoped, kind) {
		objects = client.Resource(gvr).Namespace(newNamespace(t))
	}
	_, err := objects.Create(t.Context(), o, metav1.CreateOptions{})
	if err == nil {
		t.Cleanup(func() { _ = objects.Delete(context.Background(), o.GetName(), metav1.DeleteOptions{}) })
	}
	return err
}

// warnings collects what the API server warns of.
type warnings struct {
	mu   sync.Mutex
	text []string
}

func (w *warnings) HandleWarningHeader(_ int, _ string, text string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.text = append(w.text, text)
}

func (w *warnings) all() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return strings.Join(w.text, "\n")
}
