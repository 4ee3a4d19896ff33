// Package validation holds the rules of group scheduling.atoll.dev. A refusal names
// the field and says what would be right. Nothing that a simulation carries is looked
// up here: that a cluster or policy exists is for the scheduler to find out.
package validation

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	metav1validation "k8s.io/apimachinery/pkg/apis/meta/v1/validation"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"

	policyv1alpha1 "github.com/karmada-io/karmada/pkg/apis/policy/v1alpha1"

	karmadavalidation "atoll.dev/atoll/apis/karmada/validation"
	"atoll.dev/atoll/apis/scheduling/manifest"
	"atoll.dev/atoll/apis/scheduling/v1alpha1"
)

const (
	// MaxTemplates and MaxPolicies bound what one review may simulate.
	MaxTemplates = 100
	MaxPolicies  = 100
	// MaxManifestBytes bounds the size of its templates and policies together.
	MaxManifestBytes = 256 << 10
)

// PlacementReview checks the question of a review.
func PlacementReview(r *v1alpha1.PlacementReview) field.ErrorList {
	path := field.NewPath("spec")
	set := 0
	var errs field.ErrorList
	if b := r.Spec.Binding; b != nil {
		set++
		errs = append(errs, name(path.Child("binding", "name"), b.Name, "must be the name of a binding, such as nginx-deployment")...)
	}
	if t := r.Spec.Template; t != nil {
		set++
		errs = append(errs, template(path.Child("template"), t)...)
	}
	if s := r.Spec.Simulate; s != nil {
		set++
		errs = append(errs, simulation(path.Child("simulate"), s)...)
	}
	if set != 1 {
		errs = append(errs, field.Invalid(path, fmt.Sprintf("%d questions", set), "must set exactly one of binding, template and simulate"))
	}
	return errs
}

// PlacementReviewUpdate refuses another question.
func PlacementReviewUpdate(r, old *v1alpha1.PlacementReview) field.ErrorList {
	if equality.Semantic.DeepEqual(r.Spec, old.Spec) {
		return nil
	}
	return field.ErrorList{field.Forbidden(field.NewPath("spec"), "cannot change; create another PlacementReview")}
}

// PlacementReviewStatus checks the answer.
func PlacementReviewStatus(r *v1alpha1.PlacementReview) field.ErrorList {
	switch r.Status.Phase {
	case "", v1alpha1.ReviewPending, v1alpha1.ReviewCompleted, v1alpha1.ReviewFailed:
		return nil
	}
	return field.ErrorList{field.NotSupported(field.NewPath("status", "phase"), r.Status.Phase,
		[]v1alpha1.ReviewPhase{v1alpha1.ReviewPending, v1alpha1.ReviewCompleted, v1alpha1.ReviewFailed})}
}

func name(path *field.Path, value, remedy string) field.ErrorList {
	if value == "" {
		return field.ErrorList{field.Required(path, remedy)}
	}
	return nil
}

func template(path *field.Path, t *v1alpha1.TemplateReference) field.ErrorList {
	errs := name(path.Child("apiVersion"), t.APIVersion, "must be the template's, such as apps/v1")
	if _, err := schema.ParseGroupVersion(t.APIVersion); err != nil {
		errs = append(errs, field.Invalid(path.Child("apiVersion"), t.APIVersion, "must be VERSION or GROUP/VERSION, such as apps/v1"))
	}
	errs = append(errs, name(path.Child("kind"), t.Kind, "must be the template's, such as Deployment")...)
	return append(errs, name(path.Child("name"), t.Name, "must be the name of the template")...)
}

func simulation(path *field.Path, s *v1alpha1.Simulation) field.ErrorList {
	var errs field.ErrorList
	if len(s.Templates) == 0 {
		errs = append(errs, field.Required(path.Child("templates"), "must have at least one manifest to place"))
	}
	if len(s.Templates) > MaxTemplates {
		errs = append(errs, field.TooMany(path.Child("templates"), len(s.Templates), MaxTemplates))
	}
	if len(s.Policies) > MaxPolicies {
		errs = append(errs, field.TooMany(path.Child("policies"), len(s.Policies), MaxPolicies))
	}
	size := 0
	for _, list := range [][]runtime.RawExtension{s.Templates, s.Policies} {
		for _, raw := range list {
			size += len(raw.Raw)
		}
	}
	if size > MaxManifestBytes {
		return append(errs, field.Invalid(path, fmt.Sprintf("%d bytes", size),
			fmt.Sprintf("templates and policies must not exceed %d bytes together; simulate fewer at a time", MaxManifestBytes)))
	}
	for i, raw := range s.Templates {
		errs = append(errs, manifestOf(path.Child("templates").Index(i), raw)...)
	}
	for i, raw := range s.Policies {
		errs = append(errs, policy(path.Child("policies").Index(i), raw)...)
	}
	if s.Replicas != nil && *s.Replicas < 0 {
		errs = append(errs, field.Invalid(path.Child("replicas"), *s.Replicas, "must not be negative"))
	}
	seen := sets.New[string]()
	for i := range s.Changes.Clusters {
		c, at := &s.Changes.Clusters[i], path.Child("changes", "clusters").Index(i)
		if seen.Has(c.Name) {
			errs = append(errs, field.Duplicate(at.Child("name"), c.Name))
		}
		seen.Insert(c.Name)
		errs = append(errs, clusterChange(at, c)...)
	}
	return errs
}

func manifestOf(path *field.Path, raw runtime.RawExtension) field.ErrorList {
	u, err := manifest.Template(raw)
	if err != nil {
		return field.ErrorList{field.Invalid(path, "", err.Error())}
	}
	if manifest.IsPolicy(u.GroupVersionKind()) {
		return field.ErrorList{field.Invalid(path, u.GetKind(), "must be listed under policies: a policy is not placed")}
	}
	return withoutSecrets(path, u)
}

// withoutSecrets refuses the data of a Secret, without repeating it.
func withoutSecrets(path *field.Path, u *unstructured.Unstructured) field.ErrorList {
	if u.GetKind() != "Secret" || u.GetAPIVersion() != corev1.SchemeGroupVersion.String() {
		return nil
	}
	var errs field.ErrorList
	for _, key := range []string{"data", "stringData"} {
		if _, ok := u.Object[key]; ok {
			errs = append(errs, field.Forbidden(path.Child(key), "leave it out: no placement depends on it, and reviews are readable by others"))
		}
	}
	return errs
}

func policy(path *field.Path, raw runtime.RawExtension) field.ErrorList {
	p, err := manifest.Policy(raw)
	if err != nil {
		return field.ErrorList{field.Invalid(path, "", err.Error())}
	}
	var errs field.ErrorList
	switch p := p.(type) {
	case *policyv1alpha1.PropagationPolicy:
		errs = karmadavalidation.PropagationPolicy(p)
	case *policyv1alpha1.ClusterPropagationPolicy:
		errs = karmadavalidation.ClusterPropagationPolicy(p)
	}
	for _, e := range errs {
		e.Field = path.String() + "." + e.Field
	}
	return errs
}

func clusterChange(path *field.Path, c *v1alpha1.ClusterChange) field.ErrorList {
	errs := name(path.Child("name"), c.Name, "must be the name of a cluster")
	if c.Fail && (len(c.Labels) > 0 || len(c.RemoveLabels) > 0 || c.Taints != nil || c.Provider != nil || c.Region != nil || c.Zones != nil) {
		errs = append(errs, field.Invalid(path.Child("fail"), true, "must not be set with other changes: the cluster is gone then"))
	}
	errs = append(errs, metav1validation.ValidateLabels(c.Labels, path.Child("labels"))...)
	for i, key := range c.RemoveLabels {
		if _, both := c.Labels[key]; both {
			errs = append(errs, field.Invalid(path.Child("removeLabels").Index(i), key, "must not be set and removed at once"))
		}
	}
	for i, t := range c.Taints {
		errs = append(errs, taint(path.Child("taints").Index(i), t)...)
	}
	return errs
}

func taint(path *field.Path, t corev1.Taint) field.ErrorList {
	errs := metav1validation.ValidateLabelName(t.Key, path.Child("key"))
	for _, message := range validation.IsValidLabelValue(t.Value) {
		errs = append(errs, field.Invalid(path.Child("value"), t.Value, message))
	}
	switch t.Effect {
	case corev1.TaintEffectNoSchedule, corev1.TaintEffectPreferNoSchedule, corev1.TaintEffectNoExecute:
		return errs
	}
	return append(errs, field.NotSupported(path.Child("effect"), t.Effect,
		[]corev1.TaintEffect{corev1.TaintEffectNoSchedule, corev1.TaintEffectPreferNoSchedule, corev1.TaintEffectNoExecute}))
}
