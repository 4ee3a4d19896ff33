package nativekinds

import "k8s.io/apimachinery/pkg/runtime"

const (
	v1alpha1 = "v1alpha1"
	v1alpha2 = "v1alpha2"
)

// karmadaCategory is the category under which kubectl lists Karmada's kinds.
const karmadaCategory = "karmada-io"

// unsupported warns that nothing acts on a kind yet.
func unsupported(kind string) string {
	return kind + " is stored and validated, but no controller of this Atoll version acts on it yet"
}

// kinds returns the descriptors of every stored kind.
func kinds(opts Options) []*kind {
	var all []*kind
	for _, group := range [][]*kind{clusterKinds(opts), policyKinds(opts), workKinds(), configKinds(), appsKinds(), remedyKinds(), unsupportedKinds(), schedulingKinds()} {
		all = append(all, group...)
	}
	return all
}

// define completes a descriptor with the constructors of its Go types.
func define[T, L any, PT interface {
	*T
	runtime.Object
}, PL interface {
	*L
	runtime.Object
}](k kind) *kind {
	k.newObject, k.newList = func() runtime.Object { return PT(new(T)) }, func() runtime.Object { return PL(new(L)) }
	if k.versions == nil {
		k.versions = []servedVersion{{name: v1alpha1, columns: k.columns}}
	}
	return &k
}
