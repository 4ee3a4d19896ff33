package placement

import (
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"

	"atoll.dev/atoll/apis/scheduling/v1alpha1"
)

func object(t *testing.T, text string) *unstructured.Unstructured {
	t.Helper()
	u := &unstructured.Unstructured{}
	if err := yaml.Unmarshal([]byte(text), &u.Object); err != nil {
		t.Fatal(err)
	}
	return u
}

const secret = `
apiVersion: v1
kind: Secret
metadata:
  name: s
  annotations: {kubectl.kubernetes.io/last-applied-configuration: '{"data":{"password":"aHVzaA=="}}', kept: "yes"}
data: {password: aHVzaA==}
stringData: {other: hush}
status: {a: b}
`

const policy = `
apiVersion: policy.karmada.io/v1alpha1
kind: ClusterPropagationPolicy
metadata: {name: p}
`

func TestSimulationKeepsSecrets(t *testing.T) {
	s, err := Simulation([]*unstructured.Unstructured{object(t, policy), object(t, secret)}, v1alpha1.Changes{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if len(s.Policies) != 1 || len(s.Templates) != 1 {
		t.Fatalf("%d policies and %d templates, want one of each", len(s.Policies), len(s.Templates))
	}
	got := string(s.Templates[0].Raw)
	if want := `{"apiVersion":"v1","kind":"Secret","metadata":{"annotations":{"kept":"yes"},"name":"s"}}`; got != want {
		t.Errorf("sent is %s, want %s", got, want)
	}
}

func TestSimulationWantsATemplate(t *testing.T) {
	_, err := Simulation([]*unstructured.Unstructured{object(t, policy)}, v1alpha1.Changes{}, nil)
	if err == nil || !strings.Contains(err.Error(), "no template to place") {
		t.Errorf("error is %v, want one that asks for a template", err)
	}
}
