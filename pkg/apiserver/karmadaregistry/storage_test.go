package karmadaregistry

import (
	"testing"

	"k8s.io/client-go/discovery"
)

func TestDiscovery(t *testing.T) {
	client := discovery.NewDiscoveryClientForConfigOrDie(plane.config)
	_, lists, err := client.ServerGroupsAndResources()
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range lists {
		for _, r := range l.APIResources {
			t.Log(l.GroupVersion, r.Name, r.SingularName, r.Namespaced, r.Kind, r.Verbs, r.ShortNames, r.Categories)
		}
	}
}
