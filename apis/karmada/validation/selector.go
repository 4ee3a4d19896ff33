package validation

import (
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	metav1validation "k8s.io/apimachinery/pkg/apis/meta/v1/validation"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/validation/field"

	policyv1alpha1 "github.com/karmada-io/karmada/pkg/apis/policy/v1alpha1"
)

// Fields of a Cluster that a field selector may name.
const (
	providerField = "provider"
	regionField   = "region"
	zoneField     = "zone"
)

// resourceSelectors checks the selectors of a policy. A policy in a namespace
// selects in that namespace only; namespace is empty for a cluster-wide policy.
func resourceSelectors(path *field.Path, selectors []policyv1alpha1.ResourceSelector, namespace string) field.ErrorList {
	var errs field.ErrorList
	for i, selector := range selectors {
		at := path.Index(i)
		errs = append(errs, apiVersion(at.Child("apiVersion"), selector.APIVersion)...)
		errs = append(errs, required(at.Child("kind"), selector.Kind, "must be the kind of the selected resources")...)
		if namespace != "" && selector.Namespace != namespace {
			errs = append(errs, field.Invalid(at.Child("namespace"), selector.Namespace,
				"must be the namespace of the policy, "+namespace+"; use a cluster-wide policy to select elsewhere"))
		}
		errs = append(errs, labelSelector(at.Child("labelSelector"), selector.LabelSelector)...)
	}
	return errs
}

// apiVersion refuses what is not VERSION or GROUP/VERSION.
func apiVersion(path *field.Path, value string) field.ErrorList {
	if value == "" {
		return field.ErrorList{field.Required(path, "must be an API version such as v1 or apps/v1")}
	}
	if _, err := schema.ParseGroupVersion(value); err != nil {
		return field.ErrorList{field.Invalid(path, value, "must be an API version such as v1 or apps/v1")}
	}
	return nil
}

func labelSelector(path *field.Path, selector *metav1.LabelSelector) field.ErrorList {
	return metav1validation.ValidateLabelSelector(selector, metav1validation.LabelSelectorValidationOptions{}, path)
}

// clusterAffinity checks a filter on clusters.
func clusterAffinity(path *field.Path, affinity *policyv1alpha1.ClusterAffinity) field.ErrorList {
	if affinity == nil {
		return nil
	}
	errs := labelSelector(path.Child("labelSelector"), affinity.LabelSelector)
	if affinity.FieldSelector != nil {
		errs = append(errs, clusterFields(path.Child("fieldSelector", "matchExpressions"), affinity.FieldSelector.MatchExpressions)...)
	}
	return errs
}

func clusterFields(path *field.Path, expressions []corev1.NodeSelectorRequirement) field.ErrorList {
	var errs field.ErrorList
	for i, expression := range expressions {
		errs = append(errs, oneOf(path.Index(i).Child("key"), expression.Key, providerField, regionField, zoneField)...)
		errs = append(errs, oneOf(path.Index(i).Child("operator"), expression.Operator, corev1.NodeSelectorOpIn, corev1.NodeSelectorOpNotIn)...)
		if len(expression.Values) == 0 {
			errs = append(errs, field.Required(path.Index(i).Child("values"), "must have at least one value to compare with"))
		}
	}
	return errs
}

func emptyClusterAffinity(affinity policyv1alpha1.ClusterAffinity) bool {
	return affinity.LabelSelector == nil && affinity.FieldSelector == nil &&
		len(affinity.ClusterNames) == 0 && len(affinity.ExcludeClusters) == 0
}
