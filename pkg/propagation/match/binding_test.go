package match

import (
	"encoding/json"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	testclock "k8s.io/utils/clock/testing"

	"atoll.dev/atoll/apis/karmada/wellknown"
	"atoll.dev/atoll/pkg/propagation/compact"
	"atoll.dev/atoll/pkg/propagation/interpret/native"
	"atoll.dev/atoll/pkg/propagation/mergepatch"
	"atoll.dev/atoll/pkg/propagation/twin"
)

func service(t *testing.T, nodePort int32) *compact.Object {
	t.Helper()
	kind := corev1.ServiceTypeNodePort
	if nodePort == 0 {
		kind = corev1.ServiceTypeClusterIP
	}
	fields, err := runtime.DefaultUnstructuredConverter.ToUnstructured(&corev1.Service{
		TypeMeta:   metav1.TypeMeta{APIVersion: "v1", Kind: "Service"},
		ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "web", UID: "u"},
		Spec:       corev1.ServiceSpec{Type: kind, Ports: []corev1.ServicePort{{Port: 80, NodePort: nodePort}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	o, err := compact.FromUnstructured(&unstructured.Unstructured{Object: fields})
	if err != nil {
		t.Fatal(err)
	}
	return o
}

// The footprint of the template as it is now is on the binding, and on no binding that has none.
func TestFillSetsTheFootprint(t *testing.T) {
	m := &Matcher{opts: Options{Interpreter: native.New(testclock.NewFakePassiveClock(metav1.Unix(0, 0).Time))}}
	policy := twin.NewPolicy("default")
	b := twin.NewBinding("default")
	for _, step := range []struct {
		nodePort int32
		want     string
	}{{30080, "node/TCP/30080"}, {30081, "node/TCP/30081"}, {0, ""}, {30080, "node/TCP/30080"}} {
		was := b.Copy()
		if err := m.fill(t.Context(), b, service(t, step.nodePort), &indexed{Policy: policy}, "same"); err != nil {
			t.Fatal(err)
		}
		got, there := b.GetAnnotations()[wellknown.PortsAnnotation]
		if got != step.want || there != (step.want != "") {
			t.Errorf("port %d: annotation %q, there %v; want %q", step.nodePort, got, there, step.want)
		}
		if ours(was, b) {
			t.Errorf("port %d: the change would not be written", step.nodePort)
		}
		patch, err := mergepatch.Between(was.Object, b.Object, false)
		if err != nil {
			t.Fatal(err)
		}
		var written struct {
			Metadata struct{ Annotations map[string]*string }
		}
		if err := json.Unmarshal(patch, &written); err != nil {
			t.Fatal(err)
		}
		value, there := written.Metadata.Annotations[wellknown.PortsAnnotation]
		if !there || (value == nil) != (step.want == "") {
			t.Errorf("port %d: the patch is %s", step.nodePort, patch)
		}
	}
	again := b.Copy()
	if err := m.fill(t.Context(), again, service(t, 30080), &indexed{Policy: policy}, "same"); err != nil {
		t.Fatal(err)
	}
	if !ours(b, again) {
		t.Error("nothing changed and it would be written")
	}
}
