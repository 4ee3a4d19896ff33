package foundation

import (
	"context"
	"fmt"
	"slices"
	"testing"

	clusterv1alpha1 "github.com/karmada-io/karmada/pkg/apis/cluster/v1alpha1"
	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"
	"k8s.io/utils/ptr"
)

// TestKinds propagates one object of each kind that users put in templates most
// and checks one field of the copies, and one of the status that comes back.
func TestKinds(t *testing.T) {
	labels := map[string]string{"app": "x"}
	meta := metav1.ObjectMeta{Name: "x"}
	selector := &metav1.LabelSelector{MatchLabels: labels}
	jobPods := podTemplate(labels)
	jobPods.Spec.RestartPolicy = corev1.RestartPolicyNever
	for _, test := range []struct {
		kind       string
		apiVersion string
		resource   schema.GroupVersionResource
		object     runtime.Object
		field      []string // of the copies
		want       any
		status     []string // of the template; nil for kinds without one
		wantStatus any
	}{
		{"ConfigMap", "v1", resource("", "v1", "configmaps"),
			&corev1.ConfigMap{ObjectMeta: meta, Data: map[string]string{"k": "v"}},
			[]string{"data", "k"}, "v", nil, nil},
		{"Secret", "v1", resource("", "v1", "secrets"),
			&corev1.Secret{ObjectMeta: meta, StringData: map[string]string{"k": "v"}},
			[]string{"data", "k"}, "dg==", nil, nil},
		{"ServiceAccount", "v1", resource("", "v1", "serviceaccounts"),
			&corev1.ServiceAccount{ObjectMeta: meta, AutomountServiceAccountToken: ptr.To(false)},
			[]string{"automountServiceAccountToken"}, false, nil, nil},
		{"Service", "v1", resource("", "v1", "services"),
			&corev1.Service{ObjectMeta: meta, Spec: corev1.ServiceSpec{Selector: labels, Ports: []corev1.ServicePort{{Port: 80}}}},
			[]string{"spec", "selector", "app"}, "x", nil, nil},
		{"Deployment", "apps/v1", resource("apps", "v1", "deployments"),
			deployment("x", 1),
			[]string{"status", "readyReplicas"}, int64(1), []string{"status", "readyReplicas"}, int64(joined)},
		{"StatefulSet", "apps/v1", resource("apps", "v1", "statefulsets"),
			&appsv1.StatefulSet{ObjectMeta: meta, Spec: appsv1.StatefulSetSpec{Replicas: ptr.To[int32](1), Selector: selector, Template: podTemplate(labels)}},
			[]string{"status", "readyReplicas"}, int64(1), []string{"status", "readyReplicas"}, int64(joined)},
		{"DaemonSet", "apps/v1", resource("apps", "v1", "daemonsets"),
			&appsv1.DaemonSet{ObjectMeta: meta, Spec: appsv1.DaemonSetSpec{Selector: selector, Template: podTemplate(labels)}},
			[]string{"status", "numberReady"}, int64(1), []string{"status", "numberReady"}, int64(joined)},
		{"Job", "batch/v1", resource("batch", "v1", "jobs"),
			&batchv1.Job{ObjectMeta: meta, Spec: batchv1.JobSpec{Template: jobPods}},
			[]string{"status", "succeeded"}, int64(1), []string{"status", "succeeded"}, int64(joined)},
		{"CronJob", "batch/v1", resource("batch", "v1", "cronjobs"),
			&batchv1.CronJob{ObjectMeta: meta, Spec: batchv1.CronJobSpec{Schedule: "0 0 1 1 *", JobTemplate: batchv1.JobTemplateSpec{Spec: batchv1.JobSpec{Template: jobPods}}}},
			[]string{"spec", "schedule"}, "0 0 1 1 *", nil, nil},
	} {
		t.Run(test.kind, func(t *testing.T) {
			namespace := newNamespace(t)
			createPolicy(t, namespace, policy("all", duplicated(), selectKind(test.apiVersion, test.kind)))
			object := asUnstructured(test.object)
			object.SetAPIVersion(test.apiVersion)
			object.SetKind(test.kind)
			_, err := fleet.plane.dynamic.Resource(test.resource).Namespace(namespace).Create(t.Context(), object, metav1.CreateOptions{})
			must(t, err)
			eventually(t, "the copies", onEach(func(ctx context.Context, m member) error {
				return hasField(ctx, m.dynamic.Resource(test.resource).Namespace(namespace), "x", test.field, test.want)
			}))
			if test.status != nil {
				eventually(t, "the status on the template", func(ctx context.Context) error {
					return hasField(ctx, fleet.plane.dynamic.Resource(test.resource).Namespace(namespace), "x", test.status, test.wantStatus)
				})
			}
		})
	}
}

// TestCustomResource propagates a CRD by a cluster policy and a custom resource
// by a namespaced one.
func TestCustomResource(t *testing.T) {
	const group, plural = "e2e.example.com", "lighthouses"
	crd := asUnstructured(&apiextensionsv1.CustomResourceDefinition{
		TypeMeta:   metav1.TypeMeta{APIVersion: "apiextensions.k8s.io/v1", Kind: "CustomResourceDefinition"},
		ObjectMeta: metav1.ObjectMeta{Name: plural + "." + group},
		Spec: apiextensionsv1.CustomResourceDefinitionSpec{
			Group: group, Scope: apiextensionsv1.NamespaceScoped,
			Names: apiextensionsv1.CustomResourceDefinitionNames{Plural: plural, Singular: "lighthouse", Kind: "Lighthouse", ListKind: "LighthouseList"},
			Versions: []apiextensionsv1.CustomResourceDefinitionVersion{{Name: "v1", Served: true, Storage: true, Schema: &apiextensionsv1.CustomResourceValidation{
				OpenAPIV3Schema: &apiextensionsv1.JSONSchemaProps{Type: "object", Properties: map[string]apiextensionsv1.JSONSchemaProps{
					"spec": {Type: "object", Properties: map[string]apiextensionsv1.JSONSchemaProps{"height": {Type: "integer"}}},
				}},
			}}},
		},
	})
	crds := resource("apiextensions.k8s.io", "v1", "customresourcedefinitions")
	lighthouses := resource(group, "v1", plural)

	policies := fleet.plane.karmada.PolicyV1alpha1().ClusterPropagationPolicies()
	selector := selectKind("apiextensions.k8s.io/v1", "CustomResourceDefinition")
	selector.Name = crd.GetName()
	_, err := policies.Create(t.Context(), clusterPolicy("lighthouses", duplicated(), selector), metav1.CreateOptions{})
	must(t, err)
	t.Cleanup(func() { must(t, policies.Delete(context.Background(), "lighthouses", metav1.DeleteOptions{})) })
	_, err = fleet.plane.dynamic.Resource(crds).Create(t.Context(), crd, metav1.CreateOptions{})
	must(t, err)
	t.Cleanup(func() {
		must(t, fleet.plane.dynamic.Resource(crds).Delete(context.Background(), crd.GetName(), metav1.DeleteOptions{}))
	})
	eventually(t, "the CRD in the members", onEach(func(ctx context.Context, m member) error {
		return hasField(ctx, m.dynamic.Resource(crds), crd.GetName(), []string{"status", "acceptedNames", "kind"}, "Lighthouse")
	}))

	// The scheduler takes a cluster for a kind once the Cluster says that it serves it.
	eventually(t, "the clusters' API enablements", func(ctx context.Context) error {
		for _, m := range fleet.members {
			cluster, err := fleet.plane.karmada.ClusterV1alpha1().Clusters().Get(ctx, m.Name, metav1.GetOptions{})
			if err != nil {
				return err
			}
			if !slices.ContainsFunc(cluster.Status.APIEnablements, func(e clusterv1alpha1.APIEnablement) bool { return e.GroupVersion == group+"/v1" }) {
				return fmt.Errorf("%s does not list %s/v1", m.Name, group)
			}
		}
		return nil
	})

	namespace := newNamespace(t)
	createPolicy(t, namespace, policy("lighthouses", duplicated(), selectKind(group+"/v1", "Lighthouse")))
	object := &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": group + "/v1", "kind": "Lighthouse", "metadata": map[string]any{"name": "north"}, "spec": map[string]any{"height": int64(30)},
	}}
	eventually(t, "the control plane to serve the new kind", func(ctx context.Context) error {
		_, err := fleet.plane.dynamic.Resource(lighthouses).Namespace(namespace).Create(ctx, object, metav1.CreateOptions{})
		return err
	})
	eventually(t, "the custom resource in the members", onEach(func(ctx context.Context, m member) error {
		return hasField(ctx, m.dynamic.Resource(lighthouses).Namespace(namespace), "north", []string{"spec", "height"}, int64(30))
	}))
}

func hasField(ctx context.Context, client dynamic.ResourceInterface, name string, field []string, want any) error {
	object, err := client.Get(ctx, name, metav1.GetOptions{})
	if err != nil {
		return err
	}
	got, found, err := unstructured.NestedFieldNoCopy(object.Object, field...)
	if err != nil {
		return err
	}
	if !found || got != want {
		return fmt.Errorf("%v: %v, want %v", field, got, want)
	}
	return nil
}
