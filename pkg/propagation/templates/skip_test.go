package templates

import (
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

func TestSkipResources(t *testing.T) {
	skip, err := NewSkip("batch; networking.k8s.io/v1beta1;apps/v1/Deployment,DaemonSet;v1/Pod", nil)
	if err != nil {
		t.Fatal(err)
	}
	for kind, want := range map[schema.GroupVersionKind]bool{
		{Group: "policy.karmada.io", Version: "v1alpha1", Kind: "PropagationPolicy"}: true,
		{Group: "platform.atoll.dev", Version: "v1alpha1", Kind: "CloudPlatform"}:    true,
		{Version: "v1", Kind: "Event"}:                                               true,
		{Group: "events.k8s.io", Version: "v1", Kind: "Event"}:                       true,
		{Group: "coordination.k8s.io", Version: "v1", Kind: "Lease"}:                 true,
		{Group: "batch", Version: "v1", Kind: "Job"}:                                 true,
		{Group: "networking.k8s.io", Version: "v1beta1", Kind: "Ingress"}:            true,
		{Group: "networking.k8s.io", Version: "v1", Kind: "Ingress"}:                 false,
		{Group: "apps", Version: "v1", Kind: "Deployment"}:                           true,
		{Group: "apps", Version: "v1", Kind: "StatefulSet"}:                          false,
		{Version: "v1", Kind: "Pod"}:                                                 true,
		{Version: "v1", Kind: "ConfigMap"}:                                           false,
		{Group: "example.com", Version: "v1", Kind: "Event"}:                         false,
	} {
		if got := skip.resource(kind); got != want {
			t.Errorf("%s skipped: %t, want %t", kind, got, want)
		}
	}
}

func TestSkipObjects(t *testing.T) {
	skip, err := NewSkip("", DefaultSkippedNamespaces)
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		kind, namespace, name string
		want                  bool
	}{
		"a user's":                   {"ConfigMap", "shop", "a", false},
		"default namespace":          {"ConfigMap", "default", "a", false},
		"cluster-scoped":             {"ConfigMap", "", "a", false},
		"reserved namespace":         {"ConfigMap", "atoll-system", "a", true},
		"execution namespace":        {"Secret", "karmada-es-m1", "a", true},
		"namespace of Kubernetes":    {"ConfigMap", "kube-system", "a", true},
		"namespace that looks alike": {"ConfigMap", "my-kube-system", "a", false},
		"every cluster's root CA":    {"ConfigMap", "shop", "kube-root-ca.crt", true},
	} {
		if got := skip.Object(schema.GroupKind{Kind: c.kind}, &metav1.ObjectMeta{Namespace: c.namespace, Name: c.name}); got != c.want {
			t.Errorf("%s skipped: %t, want %t", name, got, c.want)
		}
	}
}

func TestSkipRefusesWhatItCannotRead(t *testing.T) {
	if _, err := NewSkip("a/b/c/d", nil); err == nil {
		t.Error("no error for an API of four parts")
	}
	if _, err := NewSkip("", []string{"("}); err == nil {
		t.Error("no error for a regular expression that is none")
	}
}

func TestOnlyByName(t *testing.T) {
	for name, c := range map[string]struct {
		kind schema.GroupKind
		meta metav1.ObjectMeta
		want bool
	}{
		"bootstrapped role":    {schema.GroupKind{Group: "rbac.authorization.k8s.io", Kind: "ClusterRole"}, metav1.ObjectMeta{Name: "admin", Labels: map[string]string{"kubernetes.io/bootstrapping": "rbac-defaults"}}, true},
		"user's role":          {schema.GroupKind{Group: "rbac.authorization.k8s.io", Kind: "ClusterRole"}, metav1.ObjectMeta{Name: "mine"}, false},
		"default account":      {schema.GroupKind{Kind: "ServiceAccount"}, metav1.ObjectMeta{Namespace: "shop", Name: "default"}, true},
		"automatic APIService": {schema.GroupKind{Group: "apiregistration.k8s.io", Kind: "APIService"}, metav1.ObjectMeta{Name: "v1.", Labels: map[string]string{"kube-aggregator.kubernetes.io/automanaged": "onstart"}}, true},
		"namespace of ours":    {schema.GroupKind{Kind: "Namespace"}, metav1.ObjectMeta{Name: "karmada-es-m1"}, true},
		"user's namespace":     {schema.GroupKind{Kind: "Namespace"}, metav1.ObjectMeta{Name: "shop"}, false},
	} {
		if got := OnlyByName(c.kind, &c.meta); got != c.want {
			t.Errorf("%s only by name: %t, want %t", name, got, c.want)
		}
	}
}
