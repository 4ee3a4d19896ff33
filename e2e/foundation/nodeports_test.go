package foundation

import (
	"context"
	"fmt"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/util/retry"
)

// TestOpenNodePort wants a node port that nobody wrote to be one and the same in all members, and to
// stay when the Service is written again.
func TestOpenNodePort(t *testing.T) {
	namespace := newNamespace(t)
	createPolicy(t, namespace, policy("web", duplicated(), selectKind("v1", "Service")))
	services := fleet.plane.kube.CoreV1().Services(namespace)
	template, err := services.Create(t.Context(), &corev1.Service{
		ObjectMeta: metav1.ObjectMeta{Name: "web"},
		Spec:       corev1.ServiceSpec{Type: corev1.ServiceTypeNodePort, Selector: map[string]string{"app": "web"}, Ports: []corev1.ServicePort{{Name: "http", Port: 80}}},
	}, metav1.CreateOptions{})
	must(t, err)
	port := template.Spec.Ports[0].NodePort
	if port == 0 {
		t.Fatal("the node port was left open")
	}
	eventually(t, "the Service in the members", onEach(func(ctx context.Context, m member) error {
		copied, err := m.kube.CoreV1().Services(namespace).Get(ctx, "web", metav1.GetOptions{})
		if err == nil && copied.Spec.Ports[0].NodePort != port {
			err = fmt.Errorf("node port %d, want %d", copied.Spec.Ports[0].NodePort, port)
		}
		return err
	}))
	must(t, retry.RetryOnConflict(retry.DefaultRetry, func() error {
		again, err := services.Get(t.Context(), "web", metav1.GetOptions{})
		if err != nil {
			return err
		}
		again.Spec.Ports[0].NodePort = 0
		again.Spec.Ports[0].Port = 8080
		again, err = services.Update(t.Context(), again, metav1.UpdateOptions{})
		if err == nil && again.Spec.Ports[0].NodePort != port {
			t.Errorf("node port %d after an update, want %d", again.Spec.Ports[0].NodePort, port)
		}
		return err
	}))
}
