package wellknown

import (
	"fmt"
	"hash/fnv"
	"strings"

	"k8s.io/apimachinery/pkg/util/rand"
)

// ExecutionNamespace returns the namespace that holds the works of a member cluster.
func ExecutionNamespace(cluster string) string { return ExecutionNamespacePrefix + cluster }

// ClusterOfExecutionNamespace returns the member cluster whose works the namespace
// holds, and false if it is not an execution namespace.
func ClusterOfExecutionNamespace(namespace string) (string, bool) {
	cluster, ok := strings.CutPrefix(namespace, ExecutionNamespacePrefix)
	return cluster, ok && cluster != ""
}

// IsReservedNamespace tells whether nothing in the namespace is ever propagated.
func IsReservedNamespace(namespace string) bool {
	return namespace == KarmadaSystemNamespace || namespace == ClusterNamespace || namespace == SystemNamespace ||
		strings.HasPrefix(namespace, ExecutionNamespacePrefix)
}

// BindingName returns the name of the binding of a template, as Karmada v1.18 forms it.
func BindingName(kind, name string) string {
	return strings.ToLower(dnsName(name) + "-" + kind)
}

// WorkName returns the name of the Work of a template in every execution namespace,
// as Karmada v1.18 forms it. namespace is empty for a cluster-scoped template.
func WorkName(kind, name, namespace string) string {
	name = strings.ToLower(dnsName(name))
	hashed := strings.ToLower(name + "-" + kind)
	if namespace != "" {
		hashed = strings.ToLower(namespace + "-" + name + "-" + kind)
	}
	return name + "-" + shortHash(hashed)
}

// ImpersonatorSecret returns the name, in ClusterNamespace, of the Secret with the
// credential by which users reach a member through clusters/NAME/proxy.
func ImpersonatorSecret(cluster string) string { return cluster + "-impersonator" }

// dnsName replaces the colon, which RBAC objects may carry in their names and a DNS subdomain may not.
func dnsName(name string) string { return strings.ReplaceAll(name, ":", ".") }

func shortHash(s string) string {
	h := fnv.New32a()
	h.Write([]byte(s)) // never fails, see hash.Hash
	return rand.SafeEncodeString(fmt.Sprint(h.Sum32()))
}

// BindingReferenceKey returns the end of the label key by which a binding says that
// another one, of this namespace and name, requires it, as Karmada v1.18 forms it.
func BindingReferenceKey(namespace, name string) string {
	if namespace != "" {
		name = namespace + "/" + name
	}
	return shortHash(name)
}

// DerivedServiceName returns the name of the Service that stands, in a member, for a ServiceImport.
func DerivedServiceName(serviceImport string) string { return "derived-" + serviceImport }
