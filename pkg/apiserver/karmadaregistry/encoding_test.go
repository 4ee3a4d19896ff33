package karmadaregistry

import (
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/metadata"
)

// The namespace controller and the garbage collector prefer protobuf and accept JSON:
// a namespace with Karmada's objects could not be deleted if they got an error instead.
func TestMetadataClientsGetJSON(t *testing.T) {
	client, err := metadata.NewForConfig(plane.config)
	if err != nil {
		t.Fatal(err)
	}
	for _, gvr := range Resources() {
		if gvr.Group == "search.karmada.io" && gvr.Resource != "resourceregistries" {
			continue // not stored
		}
		if _, err := client.Resource(gvr).List(t.Context(), metav1.ListOptions{}); err != nil {
			t.Errorf("listing the metadata of %s: %v", gvr.Resource, err)
		}
		if !namespaced(gvr.Resource) {
			continue
		}
		if err := client.Resource(gvr).Namespace("gone").DeleteCollection(t.Context(), metav1.DeleteOptions{}, metav1.ListOptions{}); err != nil {
			t.Errorf("deleting all %s of a namespace: %v", gvr.Resource, err)
		}
	}
}

func namespaced(plural string) bool {
	for _, k := range kinds(Options{}) {
		if k.plural == plural {
			return k.namespaced
		}
	}
	return false
}
