package native

import (
	"context"
	"fmt"

	configv1alpha1 "github.com/karmada-io/karmada/pkg/apis/config/v1alpha1"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/sets"
	podutil "k8s.io/kubernetes/pkg/api/v1/pod"

	"atoll.dev/atoll/apis/karmada/wellknown"
)

// podDependencies returns what the pod spec at this path of a template refers to.
func podDependencies(path ...string) func(context.Context, *unstructured.Unstructured) ([]configv1alpha1.DependentObjectReference, error) {
	return func(_ context.Context, template *unstructured.Unstructured) ([]configv1alpha1.DependentObjectReference, error) {
		raw, _, err := unstructured.NestedFieldNoCopy(template.Object, path...)
		fields, isMap := raw.(map[string]any)
		if err != nil || !isMap {
			return nil, err
		}
		var spec corev1.PodSpec
		if err := runtime.DefaultUnstructuredConverter.FromUnstructured(fields, &spec); err != nil {
			return nil, fmt.Errorf("reading the pod spec of %s %s/%s: %w", template.GetKind(), template.GetNamespace(), template.GetName(), err)
		}
		return PodDependencies(template.GetNamespace(), &spec), nil
	}
}

// PodDependencies returns what a pod spec refers to, in the order of kinds and names. Of the
// service accounts the default one is left out: every namespace has it.
func PodDependencies(namespace string, spec *corev1.PodSpec) []configv1alpha1.DependentObjectReference {
	pod := &corev1.Pod{Spec: *spec}
	configMaps, secrets, accounts, claims := sets.New[string](), sets.New[string](), sets.New[string](), sets.New[string]()
	podutil.VisitPodConfigmapNames(pod, func(name string) bool { configMaps.Insert(name); return true })
	podutil.VisitPodSecretNames(pod, func(name string) bool { secrets.Insert(name); return true })
	if account := pod.Spec.ServiceAccountName; account != "default" {
		accounts.Insert(account)
	}
	for i := range pod.Spec.Volumes {
		if claim := pod.Spec.Volumes[i].PersistentVolumeClaim; claim != nil {
			claims.Insert(claim.ClaimName)
		}
	}
	var all []configv1alpha1.DependentObjectReference
	for _, of := range []struct {
		kind  string
		names sets.Set[string]
	}{{"ConfigMap", configMaps}, {"Secret", secrets}, {"ServiceAccount", accounts}, {"PersistentVolumeClaim", claims}} {
		for _, name := range sets.List(of.names) {
			if name != "" {
				all = append(all, configv1alpha1.DependentObjectReference{APIVersion: "v1", Kind: of.kind, Namespace: namespace, Name: name})
			}
		}
	}
	return all
}

// statefulSetDependencies leaves out the claims that the StatefulSet makes itself.
func statefulSetDependencies(ctx context.Context, template *unstructured.Unstructured) ([]configv1alpha1.DependentObjectReference, error) {
	all, err := podDependencies("spec", "template", "spec")(ctx, template)
	if err != nil {
		return nil, err
	}
	templates, _, err := unstructured.NestedSlice(template.Object, "spec", "volumeClaimTemplates")
	if err != nil {
		return nil, fmt.Errorf("reading the volume claims of StatefulSet %s/%s: %w", template.GetNamespace(), template.GetName(), err)
	}
	own := sets.New[string]()
	for _, t := range templates {
		if claim, ok := t.(map[string]any); ok {
			name, _, _ := unstructured.NestedString(claim, "metadata", "name")
			own.Insert(name)
		}
	}
	var kept []configv1alpha1.DependentObjectReference
	for _, d := range all {
		if d.Kind != "PersistentVolumeClaim" || !own.Has(d.Name) {
			kept = append(kept, d)
		}
	}
	return kept, nil
}

func ingressDependencies(_ context.Context, template *unstructured.Unstructured) ([]configv1alpha1.DependentObjectReference, error) {
	var ingress networkingv1.Ingress
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(template.Object, &ingress); err != nil {
		return nil, fmt.Errorf("reading Ingress %s/%s: %w", template.GetNamespace(), template.GetName(), err)
	}
	secrets := sets.New[string]()
	for _, tls := range ingress.Spec.TLS {
		if tls.SecretName != "" { // without one the ingress controller's own certificate serves
			secrets.Insert(tls.SecretName)
		}
	}
	var all []configv1alpha1.DependentObjectReference
	for _, name := range sets.List(secrets) {
		all = append(all, configv1alpha1.DependentObjectReference{APIVersion: "v1", Kind: "Secret", Namespace: ingress.Namespace, Name: name})
	}
	return all, nil
}

// serviceImportDependencies are the Service that stands for the import and that Service's endpoints.
func serviceImportDependencies(_ context.Context, template *unstructured.Unstructured) ([]configv1alpha1.DependentObjectReference, error) {
	service := wellknown.DerivedServiceName(template.GetName())
	return []configv1alpha1.DependentObjectReference{
		{APIVersion: "v1", Kind: "Service", Namespace: template.GetNamespace(), Name: service},
		{APIVersion: discoveryv1.SchemeGroupVersion.String(), Kind: "EndpointSlice", Namespace: template.GetNamespace(),
			LabelSelector: &metav1.LabelSelector{MatchLabels: map[string]string{discoveryv1.LabelServiceName: service}}},
	}, nil
}
