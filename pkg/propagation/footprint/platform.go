package footprint

import (
	"encoding/json"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/sets"

	workv1alpha2 "github.com/karmada-io/karmada/pkg/apis/work/v1alpha2"
)

// PlatformLabels tell a node's processor architecture and operating system.
func PlatformLabels() sets.Set[string] {
	return sets.New(corev1.LabelArchStable, corev1.LabelOSStable, "beta."+corev1.LabelArchStable, "beta."+corev1.LabelOSStable)
}

// replicated are the kinds whose bindings have the claim in spec.replicaRequirements.
var replicated = sets.New(
	schema.GroupKind{Kind: "Pod"}, schema.GroupKind{Group: "batch", Kind: "Job"}, schema.GroupKind{Group: "apps", Kind: "Deployment"},
	schema.GroupKind{Group: "apps", Kind: "StatefulSet"}, schema.GroupKind{Group: "apps", Kind: "ReplicaSet"},
)

// PlatformOf returns what the template's pods ask of a node, if that names a
// PlatformLabel and the binding does not say it by itself, as those of DaemonSets and
// CronJobs do not; else nil.
func PlatformOf(template *unstructured.Unstructured) *workv1alpha2.NodeClaim {
	pod := podSpec(template)
	if pod == nil || replicated.Has(template.GroupVersionKind().GroupKind()) {
		return nil
	}
	var spec corev1.PodSpec
	asked := map[string]any{}
	for _, field := range []string{"nodeSelector", "affinity", "tolerations"} {
		if value, ok := pod[field]; ok {
			asked[field] = value
		}
	}
	if runtime.DefaultUnstructuredConverter.FromUnstructured(asked, &spec) != nil {
		return nil // the member will refuse it
	}
	claim := &workv1alpha2.NodeClaim{NodeSelector: spec.NodeSelector, Tolerations: spec.Tolerations}
	if spec.Affinity != nil && spec.Affinity.NodeAffinity != nil {
		claim.HardNodeAffinity = spec.Affinity.NodeAffinity.RequiredDuringSchedulingIgnoredDuringExecution
	}
	if !namesPlatform(claim) {
		return nil
	}
	return claim
}

func namesPlatform(claim *workv1alpha2.NodeClaim) bool {
	platform := PlatformLabels()
	if platform.HasAny(sets.List(sets.KeySet(claim.NodeSelector))...) {
		return true
	}
	if claim.HardNodeAffinity == nil {
		return false
	}
	for _, term := range claim.HardNodeAffinity.NodeSelectorTerms {
		for _, e := range term.MatchExpressions {
			if platform.Has(e.Key) {
				return true
			}
		}
	}
	return false
}

// FormatPlatform returns the annotation's value, empty for nil.
func FormatPlatform(claim *workv1alpha2.NodeClaim) string {
	if claim == nil {
		return ""
	}
	raw, err := json.Marshal(claim)
	if err != nil {
		return "" // of strings and numbers: it does not happen
	}
	return string(raw)
}

// ParsePlatform reads an annotation's value. What cannot be read asks for nothing.
func ParsePlatform(value string) *workv1alpha2.NodeClaim {
	claim := &workv1alpha2.NodeClaim{}
	if value == "" || json.Unmarshal([]byte(value), claim) != nil {
		return nil
	}
	return claim
}
