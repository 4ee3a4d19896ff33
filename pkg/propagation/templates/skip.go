package templates

import (
	"fmt"
	"regexp"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/sets"

	"atoll.dev/atoll/apis/karmada/wellknown"
)

// DefaultSkippedNamespaces is Karmada's default of --skipped-propagating-namespaces.
var DefaultSkippedNamespaces = []string{"kube-.*"}

// Skip says what is never propagated.
type Skip struct {
	// APIs are skipped in addition to the built-in ones.
	APIs APISet
	// namespaces hold nothing that is propagated.
	namespaces []*regexp.Regexp
}

// NewSkip takes APIs as Karmada's --skipped-propagating-apis does (see ParseAPIs) and regular
// expressions that must match a namespace's whole name.
func NewSkip(apis string, namespaces []string) (Skip, error) {
	var s Skip
	var err error
	if s.APIs, err = ParseAPIs(apis); err != nil {
		return Skip{}, err
	}
	for _, ns := range namespaces {
		re, err := regexp.Compile("^(?:" + ns + ")$")
		if err != nil {
			return Skip{}, fmt.Errorf("skipped namespaces: %q is no regular expression: %w", ns, err)
		}
		s.namespaces = append(s.namespaces, re)
	}
	return s, nil
}

// Namespace tells whether nothing in the namespace is propagated. Cluster-scoped objects are in none.
func (s Skip) Namespace(namespace string) bool {
	if namespace == "" {
		return false
	}
	if wellknown.IsReservedNamespace(namespace) {
		return true
	}
	for _, re := range s.namespaces {
		if re.MatchString(namespace) {
			return true
		}
	}
	return false
}

// Object tells whether an object is never propagated, whatever selects it: what is in a skipped
// namespace, and what every cluster makes for itself (Karmada's issue 4228).
func (s Skip) Object(kind schema.GroupKind, obj metav1.Object) bool {
	if s.Namespace(obj.GetNamespace()) {
		return true
	}
	return kind == schema.GroupKind{Kind: "ConfigMap"} &&
		(obj.GetName() == "kube-root-ca.crt" || obj.GetNamespace() == metav1.NamespaceSystem && obj.GetName() == "extension-apiserver-authentication")
}

// OnlyByName tells whether an object is one that every cluster has by itself, so that it is
// propagated only if a policy names it.
func OnlyByName(kind schema.GroupKind, obj metav1.Object) bool {
	if obj.GetLabels()["kubernetes.io/bootstrapping"] != "" {
		return true // the RBAC objects that API servers make
	}
	if obj.GetAnnotations()["apf.kubernetes.io/autoupdate-spec"] == "true" {
		return true // their flow control
	}
	switch kind {
	case schema.GroupKind{Kind: "ServiceAccount"}:
		return obj.GetName() == "default"
	case schema.GroupKind{Kind: "Service"}:
		return obj.GetNamespace() == metav1.NamespaceDefault && obj.GetName() == "kubernetes"
	case schema.GroupKind{Kind: "Namespace"}:
		return obj.GetName() == metav1.NamespaceDefault || wellknown.IsReservedNamespace(obj.GetName()) || strings.HasPrefix(obj.GetName(), "kube-")
	case schema.GroupKind{Group: "apiregistration.k8s.io", Kind: "APIService"}:
		return obj.GetLabels()["kube-aggregator.kubernetes.io/automanaged"] != ""
	}
	return false
}

// karmadaGroups are the control plane's own. Other groups below karmada.io are users' as any.
var karmadaGroups = sets.New("apps.karmada.io", "autoscaling.karmada.io", "cluster.karmada.io", "config.karmada.io", "networking.karmada.io",
	"policy.karmada.io", "remedy.karmada.io", "search.karmada.io", "work.karmada.io")

// resource tells whether no object of a resource is propagated.
func (s Skip) resource(gvk schema.GroupVersionKind) bool {
	if karmadaGroups.Has(gvk.Group) || strings.HasSuffix(gvk.Group, ".atoll.dev") {
		return true
	}
	switch gvk.Group {
	case "events.k8s.io", "coordination.k8s.io", "internal.apiserver.k8s.io":
		return true
	case corev1.GroupName:
		if gvk.Kind == "Event" || gvk.Kind == "Node" {
			return true
		}
	}
	return s.APIs.Has(gvk)
}

// APISet is a set of API groups, group-versions and kinds.
type APISet struct {
	groups   sets.Set[string]
	versions sets.Set[schema.GroupVersion]
	kinds    sets.Set[schema.GroupVersionKind]
}

// Has tells whether a kind is in the set.
func (s APISet) Has(gvk schema.GroupVersionKind) bool {
	return s.groups.Has(gvk.Group) || s.versions.Has(gvk.GroupVersion()) ||
		s.kinds.Has(schema.GroupVersionKind{Group: gvk.Group, Version: gvk.Version, Kind: strings.ToLower(gvk.Kind)})
}

// ParseAPIs reads a list separated by semicolons. Its items are "group", "group/version",
// "group/version/Kind,Kind" or, for the core group, "v1/Kind,Kind".
func ParseAPIs(list string) (APISet, error) {
	s := APISet{groups: sets.New[string](), versions: sets.New[schema.GroupVersion](), kinds: sets.New[schema.GroupVersionKind]()}
	for item := range strings.SplitSeq(list, ";") {
		item = strings.TrimSpace(item)
		parts := strings.Split(item, "/")
		switch {
		case item == "":
		case len(parts) == 1:
			s.groups.Insert(item)
		case len(parts) == 2 && parts[0] != "v1":
			s.versions.Insert(schema.GroupVersion{Group: parts[0], Version: parts[1]})
		case len(parts) == 2:
			s.insertKinds(schema.GroupVersion{Version: "v1"}, parts[1])
		case len(parts) == 3:
			s.insertKinds(schema.GroupVersion{Group: parts[0], Version: parts[1]}, parts[2])
		default:
			return APISet{}, fmt.Errorf("skipped APIs: %q is none of group, group/version, group/version/Kind,Kind", item)
		}
	}
	return s, nil
}

func (s APISet) insertKinds(gv schema.GroupVersion, kinds string) {
	for kind := range strings.SplitSeq(kinds, ",") {
		s.kinds.Insert(gv.WithKind(strings.ToLower(kind)))
	}
}
