package twin

import (
	"testing"

	policyv1alpha1 "github.com/karmada-io/karmada/pkg/apis/policy/v1alpha1"
	workv1alpha2 "github.com/karmada-io/karmada/pkg/apis/work/v1alpha2"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

func TestClaimsSurviveTheirMetadata(t *testing.T) {
	for _, claim := range []Claim{
		{},
		{Policy: types.NamespacedName{Namespace: "shop", Name: "pp"}, ID: "1"},
		{Policy: types.NamespacedName{Name: "cpp"}, ID: "2"},
	} {
		labels, annotations := claim.Metadata()
		if got := ClaimOn(labels, annotations); got != claim {
			t.Errorf("read %+v back from the metadata of %+v", got, claim)
		}
	}
}

func TestIncompleteClaimIsNone(t *testing.T) {
	for name, c := range map[string]struct{ labels, annotations map[string]string }{
		"nothing": {},
		"no ID":   {nil, map[string]string{policyv1alpha1.ClusterPropagationPolicyAnnotation: "p"}},
		"no name": {map[string]string{policyv1alpha1.PropagationPolicyPermanentIDLabel: "1"}, map[string]string{policyv1alpha1.PropagationPolicyNamespaceAnnotation: "shop"}},
	} {
		if got := ClaimOn(c.labels, c.annotations); got != (Claim{}) {
			t.Errorf("%s: claim %+v, want none", name, got)
		}
	}
}

func TestBindingsFindTheirWaysBack(t *testing.T) {
	meta := metav1.ObjectMeta{Namespace: "shop", Name: "web-deployment"}
	for _, b := range []Binding{
		BindingOf(&workv1alpha2.ResourceBinding{ObjectMeta: meta}),
		BindingOf(&workv1alpha2.ClusterResourceBinding{ObjectMeta: metav1.ObjectMeta{Name: "reader-clusterrole"}}),
	} {
		if key, ok := BindingOfWork(b.BackReference()); !ok || key != b.Key() {
			t.Errorf("a Work of %s leads to %v, %t", b, key, ok)
		}
	}
	if _, ok := BindingOfWork(nil); ok {
		t.Error("a Work without annotations leads to a binding")
	}
}
