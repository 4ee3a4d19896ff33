package templates

import (
	"testing"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"atoll.dev/atoll/apis/karmada"
)

func TestGroupsOfTheControlPlane(t *testing.T) {
	skipped := map[string]bool{"etcd.atoll.dev": true, "example.karmada.io": false, "karmada.io": false, "workload.example.io": false}
	for _, group := range karmada.Groups() {
		skipped[group] = true
	}
	for group, want := range skipped {
		if got := (Skip{}).resource(schema.GroupVersionKind{Group: group, Version: "v1alpha1", Kind: "Foo"}); got != want {
			t.Errorf("group %s: skipped %t, want %t", group, got, want)
		}
	}
}
