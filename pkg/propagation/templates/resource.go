package templates

import (
	"fmt"
	"slices"

	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/discovery"

	"atoll.dev/atoll/pkg/propagation/compact"
)

// Key names a template.
type Key struct {
	schema.GroupVersionKind
	types.NamespacedName
}

// KeyOf returns the key of an object.
func KeyOf(o *compact.Object) Key {
	return Key{o.GroupVersionKind(), types.NamespacedName{Namespace: o.Namespace, Name: o.Name}}
}

func (k Key) String() string {
	return fmt.Sprintf("%s %s", k.GroupVersionKind, k.NamespacedName)
}

// Resource is a kind that may be propagated.
type Resource struct {
	schema.GroupVersionResource
	Kind       string
	Namespaced bool
}

// GroupVersionKind of the resource's objects.
func (r Resource) GroupVersionKind() schema.GroupVersionKind {
	return r.GroupVersion().WithKind(r.Kind)
}

// discover lists what can be propagated: of each resource the preferred version, if it can be
// listed, watched and deleted. Groups that did not answer are named in failed.
func discover(d discovery.DiscoveryInterface, skip Skip) (found []Resource, failed map[schema.GroupVersion]error, err error) {
	lists, err := discovery.ServerPreferredResources(d)
	if err != nil {
		groups, partial := discovery.GroupDiscoveryFailedErrorGroups(err)
		if !partial {
			return nil, nil, fmt.Errorf("discovering the control plane's APIs: %w", err)
		}
		failed = groups
	}
	// The preferred lists leave subresources out.
	for _, list := range lists {
		gv, err := schema.ParseGroupVersion(list.GroupVersion)
		if err != nil {
			continue
		}
		for _, r := range list.APIResources {
			verbs := func(want ...string) bool {
				return !slices.ContainsFunc(want, func(v string) bool { return !slices.Contains(r.Verbs, v) })
			}
			if !verbs("list", "watch", "delete") || skip.resource(gv.WithKind(r.Kind)) {
				continue
			}
			found = append(found, Resource{GroupVersionResource: gv.WithResource(r.Name), Kind: r.Kind, Namespaced: r.Namespaced})
		}
	}
	return found, failed, nil
}
