package binding_test

import (
	"testing"

	"k8s.io/apimachinery/pkg/types"

	policyv1alpha1 "github.com/karmada-io/karmada/pkg/apis/policy/v1alpha1"
	workv1alpha2 "github.com/karmada-io/karmada/pkg/apis/work/v1alpha2"

	"atoll.dev/atoll/pkg/scheduler/binding"
	"atoll.dev/atoll/pkg/scheduler/internal/fixture"
)

func version(uid types.UID, resourceVersion string) *workv1alpha2.ResourceBinding {
	b := fixture.ResourceBinding("web", fixture.Deployment(1, policyv1alpha1.Placement{}))
	b.UID, b.ResourceVersion = uid, resourceVersion
	return b
}

func TestTheNewestVersionIsKept(t *testing.T) {
	var s binding.Store
	wants := func(uid types.UID, resourceVersion string) {
		t.Helper()
		b := s.Get(binding.Key{Namespace: "default", Name: "web"})
		if b == nil || b.Object.GetUID() != uid || b.Object.GetResourceVersion() != resourceVersion {
			t.Errorf("kept %+v, want version %s of %s", b, resourceVersion, uid)
		}
	}
	if before, news := s.Observe(version("x", "9")); before != nil || !news {
		t.Errorf("the first version: before = %v, news = %v", before, news)
	}
	if _, news := s.Observe(version("x", "10")); !news { // not in the order of the alphabet
		t.Error("a later version is no news")
	}
	wants("x", "10")
	s.Assume(version("x", "12"))
	wants("x", "12")
	for _, late := range []string{"11", "12"} {
		if before, news := s.Observe(version("x", late)); news || before.Object.GetResourceVersion() != "12" {
			t.Errorf("version %s after our own write of 12 counts as news", late)
		}
	}
	s.Assume(version("x", "11"))
	wants("x", "12")

	if before, news := s.Observe(version("y", "5")); !news || before == nil { // another object under the name
		t.Error("a binding made again under the name is no news")
	}
	wants("y", "5")
	s.Assume(version("x", "99"))
	wants("y", "5")
	s.Forget(version("x", "99"))
	wants("y", "5")
	s.Forget(version("y", "5"))
	s.Assume(version("y", "6"))
	if b := s.Get(binding.Key{Namespace: "default", Name: "web"}); b != nil {
		t.Errorf("the answer to a write brings a deleted binding back: %+v", b)
	}
}

func TestBothScopes(t *testing.T) {
	spec := fixture.Deployment(3, policyv1alpha1.Placement{})
	var s binding.Store
	s.Observe(fixture.ResourceBinding("web", spec))
	s.Observe(fixture.ClusterResourceBinding("web", spec))
	keys := map[string]bool{}
	for key, b := range s.All() {
		keys[key.String()] = true
		if b.Spec.Replicas != 3 || binding.KeyOf(b.Object) != key {
			t.Errorf("%s is %+v", key, b)
		}
		if empty := binding.New(key); binding.KeyOf(empty.Object) != key {
			t.Errorf("New(%s) names %s", key, binding.KeyOf(empty.Object))
		}
	}
	if len(keys) != 2 || !keys["default/web"] || !keys["web"] {
		t.Errorf("keys = %v, want default/web and web", keys)
	}
}
