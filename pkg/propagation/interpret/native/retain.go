package native

import (
	"context"
	"fmt"
	"slices"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"atoll.dev/atoll/apis/karmada/wellknown"
)

// Most of what Karmada retains (clusterIP, node ports, volumeName, claimRef, generated selectors,
// injected volumes, caBundles) needs nothing here: the manifest leaves those fields out, so they are
// not ours, and applying does not touch what is not ours. The functions here are for fields that a
// manifest gives and a member knows better, and for lists that are applied as a whole.

// retainReplicas leaves the replicas to the member if the template says so with Karmada's label.
func retainReplicas(_ context.Context, desired, observed *unstructured.Unstructured) (*unstructured.Unstructured, error) {
	if desired.GetLabels()[wellknown.RetainReplicasLabel] != wellknown.LabelValueTrue {
		return desired, nil
	}
	return KeepReplicas(desired, observed)
}

// KeepReplicas gives the desired object the replicas that the member has.
func KeepReplicas(desired, observed *unstructured.Unstructured) (*unstructured.Unstructured, error) {
	replicas, ok, err := unstructured.NestedInt64(observed.Object, "spec", "replicas")
	if err != nil || !ok {
		return nil, fmt.Errorf("%s %s/%s in the member has no spec.replicas to retain", observed.GetKind(), observed.GetNamespace(), observed.GetName())
	}
	return desired, unstructured.SetNestedField(desired.Object, replicas, "spec", "replicas")
}

// retainImagePullSecrets keeps those that the member added: the list is applied as a whole.
func retainImagePullSecrets(_ context.Context, desired, observed *unstructured.Unstructured) (*unstructured.Unstructured, error) {
	wanted, given, err := unstructured.NestedSlice(desired.Object, "imagePullSecrets")
	if err != nil || !given {
		return desired, err
	}
	present, _, err := unstructured.NestedSlice(observed.Object, "imagePullSecrets")
	if err != nil {
		return nil, err
	}
	names := map[any]bool{}
	for _, s := range wanted {
		if ref, ok := s.(map[string]any); ok {
			names[ref["name"]] = true
		}
	}
	for _, s := range present {
		if ref, ok := s.(map[string]any); ok && !names[ref["name"]] {
			wanted = append(wanted, s)
		}
	}
	return desired, unstructured.SetNestedSlice(desired.Object, wanted, "imagePullSecrets")
}

// retainService keeps the addresses that the member allocated, all of them where there are two
// families, against a manifest that carries another cluster's.
func retainService(_ context.Context, desired, observed *unstructured.Unstructured) (*unstructured.Unstructured, error) {
	want, _, _ := unstructured.NestedMap(desired.Object, "spec")
	have, _, _ := unstructured.NestedMap(observed.Object, "spec")
	if want["type"] == string(corev1.ServiceTypeExternalName) || want["clusterIP"] == corev1.ClusterIPNone {
		return desired, nil
	}
	_, one := want["clusterIP"]
	_, all := want["clusterIPs"]
	if one || all {
		keep(want, have, "clusterIP", "clusterIPs")
	}
	if families, _ := want["ipFamilies"].([]any); len(families) == 1 && want["ipFamilyPolicy"] == string(corev1.IPFamilyPolicyPreferDualStack) {
		if present, _ := have["ipFamilies"].([]any); len(present) == 2 && present[0] == families[0] {
			keep(want, have, "ipFamilies")
		}
	}
	if _, given := want["healthCheckNodePort"]; given {
		keep(want, have, "healthCheckNodePort")
	}
	if want == nil {
		return desired, nil
	}
	return desired, unstructured.SetNestedMap(desired.Object, want, "spec")
}

// keep takes the fields that the member has set.
func keep(want, have map[string]any, fields ...string) {
	for _, field := range fields {
		if value, ok := have[field]; ok {
			want[field] = value
		}
	}
}

// retainToken keeps what the member's controllers put into the Secret of a service account.
func retainToken(_ context.Context, desired, observed *unstructured.Unstructured) (*unstructured.Unstructured, error) {
	kind, _, _ := unstructured.NestedString(desired.Object, "type")
	data, ok := observed.Object["data"]
	if _, given := desired.Object["data"]; kind == string(corev1.SecretTypeServiceAccountToken) && given && ok {
		desired.Object["data"] = data
	}
	return desired, nil
}

// retainJob keeps the selector and the labels that the member generated for the Job's pods, both of
// which cannot change, unless the user chose the selector.
func retainJob(_ context.Context, desired, observed *unstructured.Unstructured) (*unstructured.Unstructured, error) {
	if manual, _, _ := unstructured.NestedBool(desired.Object, "spec", "manualSelector"); manual {
		return desired, nil
	}
	for _, path := range [][]string{{"spec", "selector", "matchLabels"}, {"spec", "template", "metadata", "labels"}} {
		want, given, err := unstructured.NestedStringMap(desired.Object, path...)
		if err != nil || !given {
			continue
		}
		have, _, err := unstructured.NestedStringMap(observed.Object, path...)
		if err != nil {
			return nil, err
		}
		for _, label := range []string{"controller-uid", batchv1.ControllerUidLabel, "job-name", batchv1.JobNameLabel} {
			if value, ok := have[label]; ok && want[label] != "" {
				want[label] = value
			}
		}
		if err := unstructured.SetNestedStringMap(desired.Object, want, path...); err != nil {
			return nil, err
		}
	}
	return desired, nil
}

// retainTolerations keeps those that the member's admission added to a Pod: the list is applied as a
// whole, and a Pod cannot lose one.
func retainTolerations(_ context.Context, desired, observed *unstructured.Unstructured) (*unstructured.Unstructured, error) {
	want, given, err := unstructured.NestedSlice(desired.Object, "spec", "tolerations")
	if err != nil || !given {
		return desired, err
	}
	have, _, err := unstructured.NestedSlice(observed.Object, "spec", "tolerations")
	if err != nil {
		return nil, err
	}
	for _, present := range have {
		if !slices.ContainsFunc(want, func(w any) bool { return equality.Semantic.DeepEqual(w, present) }) {
			want = append(want, present)
		}
	}
	return desired, unstructured.SetNestedSlice(desired.Object, want, "spec", "tolerations")
}

// retainAggregatedRules leaves the rules of an aggregated ClusterRole to the member, which makes them
// from the roles that it has.
func retainAggregatedRules(_ context.Context, desired, observed *unstructured.Unstructured) (*unstructured.Unstructured, error) {
	if rule, _ := desired.Object["aggregationRule"].(map[string]any); len(rule) > 0 {
		if rules, ok := observed.Object["rules"]; ok {
			desired.Object["rules"] = rules
		}
	}
	return desired, nil
}

// retainStorage keeps a claim as large as the member has made it: claims cannot shrink.
func retainStorage(_ context.Context, desired, observed *unstructured.Unstructured) (*unstructured.Unstructured, error) {
	path := []string{"spec", "resources", "requests", "storage"}
	want, _, _ := unstructured.NestedFieldNoCopy(desired.Object, path...)
	have, _, _ := unstructured.NestedFieldNoCopy(observed.Object, path...)
	if want == nil || have == nil {
		return desired, nil
	}
	wanted, err := resource.ParseQuantity(fmt.Sprint(want))
	if err != nil {
		return desired, nil // the member will say what is wrong with it
	}
	present, err := resource.ParseQuantity(fmt.Sprint(have))
	if err != nil || present.Cmp(wanted) <= 0 {
		return desired, nil
	}
	return desired, unstructured.SetNestedField(desired.Object, have, path...)
}
