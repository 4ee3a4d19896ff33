package nativekinds

import (
	"context"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/metadata"
)

// TestClientsThatPreferProtobuf does with every namespaced kind what the namespace controller does when a
// namespace goes, by the client that it does it with: list, delete, look again.
func TestClientsThatPreferProtobuf(t *testing.T) {
	ctx := context.Background()
	client := metadata.NewForConfigOrDie(plane.config)
	for _, k := range kinds(Options{}) {
		if !k.namespaced {
			continue
		}
		for _, v := range k.versions {
			t.Run(k.plural+"/"+v.name, func(t *testing.T) {
				r := client.Resource(schema.GroupVersionResource{Group: k.group, Version: v.name, Resource: k.plural}).Namespace(namespaceOf(t))
				if _, err := r.List(ctx, metav1.ListOptions{}); err != nil {
					t.Errorf("list: %v", err)
				}
				if err := r.DeleteCollection(ctx, metav1.DeleteOptions{}, metav1.ListOptions{}); err != nil {
					t.Errorf("delete collection: %v", err)
				}
				if err := r.Delete(ctx, "absent", metav1.DeleteOptions{}); !apierrors.IsNotFound(err) {
					t.Errorf("delete: %v, want not found", err)
				}
			})
		}
	}
}
