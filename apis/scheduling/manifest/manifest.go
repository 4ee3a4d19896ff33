// Package manifest reads the templates and policies inside a PlacementReview. The
// API server reads them to refuse what the scheduler could not use, the scheduler
// to place them; both get the same objects and the same errors.
package manifest

import (
	"fmt"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"
	kjson "sigs.k8s.io/json"

	policyv1alpha1 "github.com/karmada-io/karmada/pkg/apis/policy/v1alpha1"

	"atoll.dev/atoll/apis/karmada/defaults"
)

// Template reads a template: any object with apiVersion, kind and a name.
func Template(raw runtime.RawExtension) (*unstructured.Unstructured, error) {
	content := map[string]any{}
	if err := kjson.UnmarshalCaseSensitivePreserveInts(raw.Raw, &content); err != nil {
		return nil, fmt.Errorf("must be an object: %w", err)
	}
	u := &unstructured.Unstructured{Object: content}
	switch {
	case u.GetAPIVersion() == "":
		return nil, fmt.Errorf("has no apiVersion; write one, such as apps/v1")
	case u.GetKind() == "":
		return nil, fmt.Errorf("has no kind; write one, such as Deployment")
	case u.GetName() == "":
		return nil, fmt.Errorf("has no metadata.name; write one")
	}
	if _, err := schema.ParseGroupVersion(u.GetAPIVersion()); err != nil {
		return nil, fmt.Errorf("apiVersion: %w", err)
	}
	return u, nil
}

// IsPolicy tells whether an object is one that Policy reads.
func IsPolicy(kind schema.GroupVersionKind) bool {
	return kind.GroupVersion() == policyv1alpha1.SchemeGroupVersion &&
		(kind.Kind == policyv1alpha1.ResourceKindPropagationPolicy || kind.Kind == policyv1alpha1.ResourceKindClusterPropagationPolicy)
}

// Policy reads a PropagationPolicy or a ClusterPropagationPolicy and completes it as
// the API server does with one that is created. A field that there is not is an error.
func Policy(raw runtime.RawExtension) (client.Object, error) {
	u, err := Template(raw)
	if err != nil {
		return nil, err
	}
	if !IsPolicy(u.GroupVersionKind()) {
		return nil, fmt.Errorf("is a %s of %s; must be a PropagationPolicy or ClusterPropagationPolicy of %s",
			u.GetKind(), u.GetAPIVersion(), policyv1alpha1.SchemeGroupVersion)
	}
	if u.GetKind() == policyv1alpha1.ResourceKindClusterPropagationPolicy {
		p := &policyv1alpha1.ClusterPropagationPolicy{}
		if err := strict(raw.Raw, p); err != nil {
			return nil, err
		}
		p.Namespace = ""
		defaults.PropagationSpec(&p.Spec)
		defaults.CreateClusterPropagationPolicy(p)
		return p, nil
	}
	p := &policyv1alpha1.PropagationPolicy{}
	if err := strict(raw.Raw, p); err != nil {
		return nil, err
	}
	if p.Namespace == "" {
		return nil, fmt.Errorf("has no metadata.namespace; write one")
	}
	defaults.PropagationSpec(&p.Spec)
	defaults.CreatePropagationPolicy(p)
	return p, nil
}

func strict(raw []byte, into any) error {
	unknown, err := kjson.UnmarshalStrict(raw, into)
	if err == nil && len(unknown) > 0 {
		err = unknown[0]
	}
	return err
}
