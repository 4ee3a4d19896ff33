// Package work reads Works: which member one is for, what it carries, how it
// stands, and which Works a binding has. The binder writes their spec, the
// reflector their status; this package writes nothing.
package work

import (
	"context"
	"encoding/json"
	"fmt"

	workv1alpha1 "github.com/karmada-io/karmada/pkg/apis/work/v1alpha1"
	workv1alpha2 "github.com/karmada-io/karmada/pkg/apis/work/v1alpha2"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	utiljson "k8s.io/apimachinery/pkg/util/json"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"atoll.dev/atoll/apis/karmada/wellknown"
)

// bindingIndex is the name under which a cache finds Works by the permanent ID of their binding.
const bindingIndex = "propagation.atoll.dev/binding-id"

// Index teaches a cache to find Works by binding. It must be called once, before the cache has Works.
func Index(ctx context.Context, indexer client.FieldIndexer) error {
	err := indexer.IndexField(ctx, &workv1alpha1.Work{}, bindingIndex, func(obj client.Object) []string {
		for _, label := range []string{workv1alpha2.ResourceBindingPermanentIDLabel, workv1alpha2.ClusterResourceBindingPermanentIDLabel} {
			if id := obj.GetLabels()[label]; id != "" {
				return []string{id}
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("indexing Works by binding: %w", err)
	}
	return nil
}

// OfBinding returns the Works of the binding with this permanent ID. They are shared with the cache
// and must not be changed.
func OfBinding(ctx context.Context, r client.Reader, id string) ([]workv1alpha1.Work, error) {
	if id == "" {
		return nil, nil
	}
	var list workv1alpha1.WorkList
	if err := r.List(ctx, &list, client.MatchingFields{bindingIndex: id}, client.UnsafeDisableDeepCopy); err != nil {
		return nil, fmt.Errorf("listing the Works of binding %s: %w", id, err)
	}
	return list.Items, nil
}

// Cluster returns the member that the Work is for, "" if it lies in no execution namespace.
func Cluster(w *workv1alpha1.Work) string {
	cluster, _ := wellknown.ClusterOfExecutionNamespace(w.Namespace)
	return cluster
}

// Suspended tells whether nothing of the Work is to be dispatched for now.
func Suspended(w *workv1alpha1.Work) bool { return ptr.Deref(w.Spec.SuspendDispatching, false) }

// Applied returns the Applied condition, nil as long as there is no verdict.
func Applied(w *workv1alpha1.Work) *metav1.Condition {
	return meta.FindStatusCondition(w.Status.Conditions, workv1alpha1.WorkApplied)
}

// Manifests decodes what the Work carries; the result belongs to the caller.
func Manifests(w *workv1alpha1.Work) ([]*unstructured.Unstructured, error) {
	var manifests []*unstructured.Unstructured
	for i := range w.Spec.Workload.Manifests {
		u := &unstructured.Unstructured{}
		if err := utiljson.Unmarshal(w.Spec.Workload.Manifests[i].Raw, &u.Object); err != nil {
			return nil, fmt.Errorf("spec.workload.manifests[%d] of Work %s/%s is not JSON: %w", i, w.Namespace, w.Name, err)
		}
		if u.GetAPIVersion() == "" || u.GetKind() == "" || u.GetName() == "" {
			return nil, fmt.Errorf("spec.workload.manifests[%d] of Work %s/%s lacks apiVersion, kind or metadata.name", i, w.Namespace, w.Name)
		}
		manifests = append(manifests, u)
	}
	return manifests, nil
}

// Reference is what a manifest is of.
type Reference struct {
	schema.GroupVersionKind
	types.NamespacedName
}

// References returns what the Work carries, in order, without decoding more of it than that. One
// that cannot be read is the zero value.
func References(w *workv1alpha1.Work) []Reference {
	refs := make([]Reference, len(w.Spec.Workload.Manifests))
	for i := range refs {
		var head struct {
			metav1.TypeMeta `json:",inline"`
			Metadata        struct {
				Namespace string `json:"namespace"`
				Name      string `json:"name"`
			} `json:"metadata"`
		}
		if json.Unmarshal(w.Spec.Workload.Manifests[i].Raw, &head) != nil {
			continue
		}
		refs[i] = Reference{
			schema.FromAPIVersionAndKind(head.APIVersion, head.Kind),
			types.NamespacedName{Namespace: head.Metadata.Namespace, Name: head.Metadata.Name},
		}
	}
	return refs
}

// Identifier names a manifest in the status of its Work.
func Identifier(ordinal int, gvk schema.GroupVersionKind, namespace, name string) workv1alpha1.ResourceIdentifier {
	return workv1alpha1.ResourceIdentifier{
		Ordinal: ordinal, Group: gvk.Group, Version: gvk.Version, Kind: gvk.Kind, Namespace: namespace, Name: name,
	}
}
