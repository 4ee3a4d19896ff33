package validation

import (
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	apivalidation "k8s.io/apimachinery/pkg/api/validation"
	metav1validation "k8s.io/apimachinery/pkg/apis/meta/v1/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"

	policyv1alpha1 "github.com/karmada-io/karmada/pkg/apis/policy/v1alpha1"
)

// OverridePolicy checks an OverridePolicy.
func OverridePolicy(p *policyv1alpha1.OverridePolicy) field.ErrorList {
	return overrideSpec(field.NewPath("spec"), &p.Spec, p.Namespace)
}

// ClusterOverridePolicy checks a ClusterOverridePolicy.
func ClusterOverridePolicy(p *policyv1alpha1.ClusterOverridePolicy) field.ErrorList {
	return overrideSpec(field.NewPath("spec"), &p.Spec, "")
}

// targetCluster and overriders are deprecated and still accepted
func overrideSpec(path *field.Path, s *policyv1alpha1.OverrideSpec, namespace string) field.ErrorList {
	errs := resourceSelectors(path.Child("resourceSelectors"), s.ResourceSelectors, namespace)
	if s.OverrideRules != nil {
		if s.TargetCluster != nil {
			errs = append(errs, field.Forbidden(path.Child("targetCluster"), "cannot be set together with overrideRules; move it into a rule"))
		}
		if !emptyOverriders(&s.Overriders) {
			errs = append(errs, field.Forbidden(path.Child("overriders"), "cannot be set together with overrideRules; move it into a rule"))
		}
	}
	errs = append(errs, clusterAffinity(path.Child("targetCluster"), s.TargetCluster)...)
	errs = append(errs, overriders(path.Child("overriders"), &s.Overriders)...)
	for i := range s.OverrideRules {
		at := path.Child("overrideRules").Index(i)
		errs = append(errs, clusterAffinity(at.Child("targetCluster"), s.OverrideRules[i].TargetCluster)...)
		errs = append(errs, overriders(at.Child("overriders"), &s.OverrideRules[i].Overriders)...)
	}
	return errs
}

func emptyOverriders(o *policyv1alpha1.Overriders) bool {
	return len(o.Plaintext) == 0 && len(o.ImageOverrider) == 0 && len(o.CommandOverrider) == 0 && len(o.ArgsOverrider) == 0 &&
		len(o.LabelsOverrider) == 0 && len(o.AnnotationsOverrider) == 0 && len(o.FieldOverrider) == 0
}

func overriders(path *field.Path, o *policyv1alpha1.Overriders) field.ErrorList {
	var errs field.ErrorList
	for i, p := range o.Plaintext {
		at := path.Child("plaintext").Index(i)
		errs = append(errs, overrideOperator(at, p.Operator)...)
		errs = append(errs, required(at.Child("path"), p.Path, "must be a JSON pointer such as /spec/replicas")...)
		errs = append(errs, pointer(at.Child("path"), p.Path)...)
	}
	for i, image := range o.ImageOverrider {
		errs = append(errs, imageOverrider(path.Child("imageOverrider").Index(i), &image)...)
	}
	errs = append(errs, commandOverriders(path.Child("commandOverrider"), o.CommandOverrider)...)
	errs = append(errs, commandOverriders(path.Child("argsOverrider"), o.ArgsOverrider)...)
	for i, l := range o.LabelsOverrider {
		at := path.Child("labelsOverrider").Index(i)
		errs = append(errs, keyOverrider(at, &l)...)
		errs = append(errs, metav1validation.ValidateLabels(l.Value, at.Child("value"))...)
	}
	for i, a := range o.AnnotationsOverrider {
		at := path.Child("annotationsOverrider").Index(i)
		errs = append(errs, keyOverrider(at, &a)...)
		errs = append(errs, apivalidation.ValidateAnnotations(a.Value, at.Child("value"))...)
	}
	for i := range o.FieldOverrider {
		errs = append(errs, fieldOverrider(path.Child("fieldOverrider").Index(i), &o.FieldOverrider[i])...)
	}
	return errs
}

func overrideOperator(path *field.Path, operator policyv1alpha1.OverriderOperator) field.ErrorList {
	return oneOf(path.Child("operator"), operator, policyv1alpha1.OverriderOpAdd, policyv1alpha1.OverriderOpRemove, policyv1alpha1.OverriderOpReplace)
}

func imageOverrider(path *field.Path, o *policyv1alpha1.ImageOverrider) field.ErrorList {
	errs := oneOf(path.Child("component"), o.Component, policyv1alpha1.Registry, policyv1alpha1.Repository, policyv1alpha1.Tag)
	errs = append(errs, overrideOperator(path, o.Operator)...)
	if o.Predicate != nil {
		at := path.Child("predicate", "path")
		errs = append(errs, required(at, o.Predicate.Path, "must be a JSON pointer to the image; leave predicate out to override the images of the pod template")...)
		errs = append(errs, pointer(at, o.Predicate.Path)...)
	}
	return errs
}

func commandOverriders(path *field.Path, overriders []policyv1alpha1.CommandArgsOverrider) field.ErrorList {
	var errs field.ErrorList
	for i, o := range overriders {
		errs = append(errs, required(path.Index(i).Child("containerName"), o.ContainerName, "must be the name of a container of the pod template")...)
		errs = append(errs, oneOf(path.Index(i).Child("operator"), o.Operator, policyv1alpha1.OverriderOpAdd, policyv1alpha1.OverriderOpRemove)...)
	}
	return errs
}

func keyOverrider(path *field.Path, o *policyv1alpha1.LabelAnnotationOverrider) field.ErrorList {
	errs := overrideOperator(path, o.Operator)
	if o.Value == nil {
		errs = append(errs, field.Required(path.Child("value"), "must have the keys to override"))
	}
	return errs
}

func fieldOverrider(path *field.Path, o *policyv1alpha1.FieldOverrider) field.ErrorList {
	errs := required(path.Child("fieldPath"), o.FieldPath, "must be a JSON pointer to a field that holds JSON or YAML, such as /data/config.yaml")
	errs = append(errs, pointer(path.Child("fieldPath"), o.FieldPath)...)
	switch {
	case len(o.JSON) > 0 && len(o.YAML) > 0:
		errs = append(errs, field.Forbidden(path.Child("yaml"), "cannot be set together with json; use one of the two"))
	case len(o.JSON) == 0 && len(o.YAML) == 0:
		errs = append(errs, field.Required(path, "must have json or yaml"))
	}
	for i, p := range o.JSON {
		errs = append(errs, fieldPatch(path.Child("json").Index(i), p.SubPath, p.Operator, &p.Value)...)
	}
	for i, p := range o.YAML {
		errs = append(errs, fieldPatch(path.Child("yaml").Index(i), p.SubPath, p.Operator, &p.Value)...)
	}
	return errs
}

// fieldPatch checks one operation inside a field. An empty subPath is the whole field.
func fieldPatch(path *field.Path, subPath string, operator policyv1alpha1.OverriderOperator, value *apiextensionsv1.JSON) field.ErrorList {
	errs := append(pointer(path.Child("subPath"), subPath), overrideOperator(path, operator)...)
	switch operator {
	case policyv1alpha1.OverriderOpAdd, policyv1alpha1.OverriderOpReplace:
		if len(value.Raw) == 0 {
			errs = append(errs, field.Required(path.Child("value"), "must be set if operator is "+string(operator)))
		}
	case policyv1alpha1.OverriderOpRemove:
		if len(value.Raw) != 0 {
			errs = append(errs, field.Forbidden(path.Child("value"), "cannot be set if operator is remove"))
		}
	}
	return errs
}
