package foundation

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// TestAggregation puts an API server of its own behind the control plane's by an
// APIService and asks for its objects through it, as the user that the request came from.
func TestAggregation(t *testing.T) {
	const group, version = "tides.example.com", "v1"
	prefix := "/apis/" + group + "/" + version
	mux := http.NewServeMux()
	answer := func(path string, object func(*http.Request) any) {
		mux.HandleFunc("GET "+path, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			_ = json.NewEncoder(w).Encode(object(r)) // a client that is gone needs no answer
		})
	}
	answer(prefix, func(*http.Request) any {
		return metav1.APIResourceList{
			TypeMeta: metav1.TypeMeta{Kind: "APIResourceList", APIVersion: "v1"}, GroupVersion: group + "/" + version,
			APIResources: []metav1.APIResource{{Name: "tides", SingularName: "tide", Kind: "Tide", Verbs: metav1.Verbs{"get", "list"}}},
		}
	})
	answer(prefix+"/tides/today", func(r *http.Request) any {
		return map[string]any{"apiVersion": group + "/" + version, "kind": "Tide", "metadata": map[string]any{"name": "today"},
			"askedBy": r.Header.Get("X-Remote-User")}
	})
	behind := httptest.NewTLSServer(mux)
	t.Cleanup(behind.Close)
	at, err := url.Parse(behind.URL)
	must(t, err)
	port, err := strconv.Atoi(at.Port())
	must(t, err)

	namespace := newNamespace(t)
	_, err = fleet.plane.kube.CoreV1().Services(namespace).Create(t.Context(), &corev1.Service{
		ObjectMeta: metav1.ObjectMeta{Name: "tides"},
		Spec: corev1.ServiceSpec{Type: corev1.ServiceTypeExternalName, ExternalName: "localhost",
			Ports: []corev1.ServicePort{{Port: int32(port), TargetPort: intstr.FromInt(port)}}},
	}, metav1.CreateOptions{})
	must(t, err)
	name := version + "." + group
	services := fleet.plane.dynamic.Resource(resource("apiregistration.k8s.io", "v1", "apiservices"))
	_, err = services.Create(t.Context(), &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "apiregistration.k8s.io/v1", "kind": "APIService", "metadata": map[string]any{"name": name},
		"spec": map[string]any{
			"group": group, "version": version, "groupPriorityMinimum": 100, "versionPriority": 10, "insecureSkipTLSVerify": true,
			"service": map[string]any{"namespace": namespace, "name": "tides", "port": port},
		},
	}}, metav1.CreateOptions{})
	must(t, err)
	t.Cleanup(func() { must(t, services.Delete(context.Background(), name, metav1.DeleteOptions{})) })

	eventually(t, "an object of the aggregated group", func(ctx context.Context) error {
		raw, err := fleet.plane.kube.Discovery().RESTClient().Get().AbsPath(prefix + "/tides/today").DoRaw(ctx)
		if err == nil && !strings.Contains(string(raw), `"askedBy":"atoll-admin"`) {
			err = fmt.Errorf("got %s", raw)
		}
		return err
	})
}
