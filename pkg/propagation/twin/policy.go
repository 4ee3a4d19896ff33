package twin

import (
	"context"
	"fmt"

	policyv1alpha1 "github.com/karmada-io/karmada/pkg/apis/policy/v1alpha1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"atoll.dev/atoll/apis/karmada/wellknown"
)

// Policy is a PropagationPolicy or a ClusterPropagationPolicy.
type Policy struct {
	client.Object
	Spec *policyv1alpha1.PropagationSpec
}

// NewPolicy returns an empty policy: a ClusterPropagationPolicy if namespace is empty.
func NewPolicy(namespace string) Policy {
	if namespace == "" {
		return PolicyOf(&policyv1alpha1.ClusterPropagationPolicy{})
	}
	return PolicyOf(&policyv1alpha1.PropagationPolicy{})
}

// PolicyOf wraps one of the twins; it panics on any other object, which would be a programming error.
func PolicyOf(obj client.Object) Policy {
	switch p := obj.(type) {
	case *policyv1alpha1.PropagationPolicy:
		return Policy{Object: p, Spec: &p.Spec}
	case *policyv1alpha1.ClusterPropagationPolicy:
		return Policy{Object: p, Spec: &p.Spec}
	}
	panic(fmt.Sprintf("%T is no propagation policy", obj))
}

// GetPolicy reads a policy. It is shared with the reader's cache and must not be changed.
func GetPolicy(ctx context.Context, r client.Reader, key types.NamespacedName) (Policy, error) {
	p := NewPolicy(key.Namespace)
	return p, r.Get(ctx, key, p.Object, client.UnsafeDisableDeepCopy)
}

// Key names the policy.
func (p Policy) Key() types.NamespacedName { return client.ObjectKeyFromObject(p.Object) }

// ClusterScoped tells the twins apart.
func (p Policy) ClusterScoped() bool {
	_, ok := p.Object.(*policyv1alpha1.ClusterPropagationPolicy)
	return ok
}

// Finalizer that keeps the policy until its templates are released.
func (p Policy) Finalizer() string {
	if p.ClusterScoped() {
		return wellknown.ClusterPropagationPolicyControllerFinalizer
	}
	return wellknown.PropagationPolicyControllerFinalizer
}

// PermanentID identifies the policy; empty until the API server has given it one.
func (p Policy) PermanentID() string {
	if p.ClusterScoped() {
		return p.GetLabels()[policyv1alpha1.ClusterPropagationPolicyPermanentIDLabel]
	}
	return p.GetLabels()[policyv1alpha1.PropagationPolicyPermanentIDLabel]
}

// Priority is the explicit priority, 0 by default.
func (p Policy) Priority() int32 {
	if p.Spec.Priority == nil {
		return 0
	}
	return *p.Spec.Priority
}

// String names the policy as Karmada's messages do: policy(namespace/name) or cluster policy(name).
func (p Policy) String() string {
	if p.ClusterScoped() {
		return fmt.Sprintf("cluster policy(%s)", p.GetName())
	}
	return fmt.Sprintf("policy(%s/%s)", p.GetNamespace(), p.GetName())
}

// Claim says which policy a template or a binding belongs to. The zero value is no claim.
type Claim struct {
	// Policy is the key of the policy, without a namespace for a ClusterPropagationPolicy.
	Policy types.NamespacedName
	// ID is the permanent ID of the policy.
	ID string
}

// Claim returns the claim that this policy lays to a template.
func (p Policy) Claim() Claim { return Claim{Policy: p.Key(), ID: p.PermanentID()} }

// The labels and annotations that make up claims of either kind.
var (
	claimLabels = []string{
		policyv1alpha1.PropagationPolicyPermanentIDLabel,
		policyv1alpha1.ClusterPropagationPolicyPermanentIDLabel,
	}
	claimAnnotations = []string{
		policyv1alpha1.PropagationPolicyNamespaceAnnotation,
		policyv1alpha1.PropagationPolicyNameAnnotation,
		policyv1alpha1.ClusterPropagationPolicyAnnotation,
	}
)

// ClaimOn reads the claim on a template or binding. As in Karmada, that of a PropagationPolicy goes
// first, and one of which a part is missing is none.
func ClaimOn(labels, annotations map[string]string) Claim {
	namespace := annotations[policyv1alpha1.PropagationPolicyNamespaceAnnotation]
	name := annotations[policyv1alpha1.PropagationPolicyNameAnnotation]
	id := labels[policyv1alpha1.PropagationPolicyPermanentIDLabel]
	if namespace != "" && name != "" && id != "" {
		return Claim{Policy: types.NamespacedName{Namespace: namespace, Name: name}, ID: id}
	}
	name = annotations[policyv1alpha1.ClusterPropagationPolicyAnnotation]
	id = labels[policyv1alpha1.ClusterPropagationPolicyPermanentIDLabel]
	if name != "" && id != "" {
		return Claim{Policy: types.NamespacedName{Name: name}, ID: id}
	}
	return Claim{}
}

// Metadata returns every label and annotation key of either kind of claim with the value that it
// has under this claim, "" where it must be absent.
func (c Claim) Metadata() (labels, annotations map[string]string) {
	labels, annotations = map[string]string{}, map[string]string{}
	for _, key := range claimLabels {
		labels[key] = ""
	}
	for _, key := range claimAnnotations {
		annotations[key] = ""
	}
	switch {
	case c == Claim{}:
	case c.Policy.Namespace != "":
		labels[policyv1alpha1.PropagationPolicyPermanentIDLabel] = c.ID
		annotations[policyv1alpha1.PropagationPolicyNamespaceAnnotation] = c.Policy.Namespace
		annotations[policyv1alpha1.PropagationPolicyNameAnnotation] = c.Policy.Name
	default:
		labels[policyv1alpha1.ClusterPropagationPolicyPermanentIDLabel] = c.ID
		annotations[policyv1alpha1.ClusterPropagationPolicyAnnotation] = c.Policy.Name
	}
	return labels, annotations
}
