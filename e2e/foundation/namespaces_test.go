package foundation

import (
	"context"
	"fmt"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// TestNamespaceGoes deletes a namespace with a template and a policy in it: all of that goes, here and in the members.
func TestNamespaceGoes(t *testing.T) {
	namespace := newNamespace(t)
	createPolicy(t, namespace, policy("web", duplicated(), selectKind("apps/v1", "Deployment")))
	_, err := fleet.plane.kube.AppsV1().Deployments(namespace).Create(t.Context(), deployment("web", 1), metav1.CreateOptions{})
	must(t, err)
	eventually(t, "the sum on the template", statusIs(namespace, "web", joined))

	must(t, fleet.plane.kube.CoreV1().Namespaces().Delete(t.Context(), namespace, metav1.DeleteOptions{}))
	gone := func(ctx context.Context, c clients) error {
		left, err := c.kube.CoreV1().Namespaces().Get(ctx, namespace, metav1.GetOptions{})
		if apierrors.IsNotFound(err) {
			return nil
		}
		if err != nil {
			return err
		}
		return fmt.Errorf("still there: %+v", left.Status)
	}
	eventually(t, "the namespace to go", func(ctx context.Context) error { return gone(ctx, fleet.plane) })
	eventually(t, "its copies to go", onEach(func(ctx context.Context, m member) error { return gone(ctx, m.clients) }))
}
