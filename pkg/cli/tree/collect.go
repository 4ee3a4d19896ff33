package tree

import (
	"context"
	"fmt"

	clusterv1alpha1 "github.com/karmada-io/karmada/pkg/apis/cluster/v1alpha1"
	policyv1alpha1 "github.com/karmada-io/karmada/pkg/apis/policy/v1alpha1"
	workv1alpha2 "github.com/karmada-io/karmada/pkg/apis/work/v1alpha2"
	karmada "github.com/karmada-io/karmada/pkg/generated/clientset/versioned"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"atoll.dev/atoll/apis/karmada/wellknown"
)

// Collector reads trees from a control plane.
type Collector struct {
	karmada  karmada.Interface
	clusters map[string]*clusterv1alpha1.Cluster
}

// NewCollector returns a collector over a client of the control plane.
func NewCollector(c karmada.Interface) *Collector { return &Collector{karmada: c} }

// Collect returns the tree of an object: a template, a propagation policy or a cluster.
func (c *Collector) Collect(ctx context.Context, obj *unstructured.Unstructured) (*Node, error) {
	list, err := c.karmada.ClusterV1alpha1().Clusters().List(ctx, metav1.ListOptions{})
	if err != nil {
		return nil, fmt.Errorf("listing clusters: %w", err)
	}
	c.clusters = make(map[string]*clusterv1alpha1.Cluster, len(list.Items))
	for i := range list.Items {
		c.clusters[list.Items[i].Name] = &list.Items[i]
	}
	root := &Node{Kind: obj.GetKind(), Namespace: obj.GetNamespace(), Name: obj.GetName()}
	switch gk := obj.GroupVersionKind().GroupKind(); {
	case gk.Group == policyv1alpha1.GroupName && gk.Kind == policyv1alpha1.ResourceKindPropagationPolicy:
		return c.ofPolicy(ctx, root, policyv1alpha1.PropagationPolicyPermanentIDLabel, obj.GetLabels()[policyv1alpha1.PropagationPolicyPermanentIDLabel])
	case gk.Group == policyv1alpha1.GroupName && gk.Kind == policyv1alpha1.ResourceKindClusterPropagationPolicy:
		return c.ofPolicy(ctx, root, policyv1alpha1.ClusterPropagationPolicyPermanentIDLabel, obj.GetLabels()[policyv1alpha1.ClusterPropagationPolicyPermanentIDLabel])
	case gk.Group == clusterv1alpha1.GroupName && gk.Kind == clusterv1alpha1.ResourceKindCluster:
		return c.ofCluster(root), nil
	}
	return c.ofTemplate(ctx, root, obj)
}

// ofTemplate hangs the policy under the template, the binding under the policy.
func (c *Collector) ofTemplate(ctx context.Context, root *Node, obj *unstructured.Unstructured) (*Node, error) {
	binding, err := c.bindingOf(ctx, obj)
	if err != nil {
		return nil, err
	}
	policy, err := c.policyOf(ctx, obj)
	if err != nil {
		return nil, err
	}
	switch {
	case policy == nil && binding == nil:
		return root.is(metav1.ConditionFalse, "NotSelected", "no PropagationPolicy or ClusterPropagationPolicy selects it"), nil
	case policy == nil: // a dependency follows the bindings that need it, without a policy of its own
		node, err := c.ofBinding(ctx, *binding)
		if err != nil {
			return nil, err
		}
		root.Children = []*Node{node}
		root.weigh("").Message = summary(obj)
		return root, nil
	case binding == nil:
		policy.Children = []*Node{(&Node{Kind: bindingKind(obj.GetNamespace()), Namespace: obj.GetNamespace(),
			Name: wellknown.BindingName(obj.GetKind(), obj.GetName())}).is(metav1.ConditionUnknown, "Pending", "the binding is not made yet")}
	default:
		node, err := c.ofBinding(ctx, *binding)
		if err != nil {
			return nil, err
		}
		policy.Children = []*Node{node}
	}
	root.Children = []*Node{policy.weigh("")}
	root.weigh("")
	root.Message = summary(obj)
	return root, nil
}

// policyOf returns a node for the policy that claimed a template, nil if none did.
func (c *Collector) policyOf(ctx context.Context, obj *unstructured.Unstructured) (*Node, error) {
	notes := obj.GetAnnotations()
	if name := notes[policyv1alpha1.PropagationPolicyNameAnnotation]; name != "" {
		n := &Node{Kind: policyv1alpha1.ResourceKindPropagationPolicy, Namespace: notes[policyv1alpha1.PropagationPolicyNamespaceAnnotation], Name: name}
		_, err := c.karmada.PolicyV1alpha1().PropagationPolicies(n.Namespace).Get(ctx, name, metav1.GetOptions{})
		return n, c.missingPolicy(n, err)
	}
	if name := notes[policyv1alpha1.ClusterPropagationPolicyAnnotation]; name != "" {
		n := &Node{Kind: policyv1alpha1.ResourceKindClusterPropagationPolicy, Name: name}
		_, err := c.karmada.PolicyV1alpha1().ClusterPropagationPolicies().Get(ctx, name, metav1.GetOptions{})
		return n, c.missingPolicy(n, err)
	}
	return nil, nil
}

func (c *Collector) missingPolicy(n *Node, err error) error {
	if apierrors.IsNotFound(err) {
		n.is(metav1.ConditionFalse, "PolicyMissing", "it claimed the template and was deleted since")
		return nil
	}
	return err
}

// binding is what a tree needs of a ResourceBinding or a ClusterResourceBinding.
type binding struct {
	metav1.ObjectMeta
	spec   workv1alpha2.ResourceBindingSpec
	status workv1alpha2.ResourceBindingStatus
}

func bindingKind(namespace string) string {
	if namespace == "" {
		return workv1alpha2.ResourceKindClusterResourceBinding
	}
	return workv1alpha2.ResourceKindResourceBinding
}

func (c *Collector) bindingOf(ctx context.Context, obj *unstructured.Unstructured) (*binding, error) {
	name := wellknown.BindingName(obj.GetKind(), obj.GetName())
	if obj.GetNamespace() == "" {
		b, err := c.karmada.WorkV1alpha2().ClusterResourceBindings().Get(ctx, name, metav1.GetOptions{})
		if err != nil {
			return nil, ignoreNotFound(err)
		}
		return &binding{b.ObjectMeta, b.Spec, b.Status}, nil
	}
	b, err := c.karmada.WorkV1alpha2().ResourceBindings(obj.GetNamespace()).Get(ctx, name, metav1.GetOptions{})
	if err != nil {
		return nil, ignoreNotFound(err)
	}
	return &binding{b.ObjectMeta, b.Spec, b.Status}, nil
}

// ofPolicy hangs the bindings that a policy made under it.
func (c *Collector) ofPolicy(ctx context.Context, root *Node, label, id string) (*Node, error) {
	var bindings []binding
	if id != "" {
		selector := metav1.ListOptions{LabelSelector: label + "=" + id}
		rbs, err := c.karmada.WorkV1alpha2().ResourceBindings(root.Namespace).List(ctx, selector)
		if err != nil {
			return nil, fmt.Errorf("listing bindings: %w", err)
		}
		for _, b := range rbs.Items {
			bindings = append(bindings, binding{b.ObjectMeta, b.Spec, b.Status})
		}
		if root.Namespace == "" {
			crbs, err := c.karmada.WorkV1alpha2().ClusterResourceBindings().List(ctx, selector)
			if err != nil {
				return nil, fmt.Errorf("listing bindings: %w", err)
			}
			for _, b := range crbs.Items {
				bindings = append(bindings, binding{b.ObjectMeta, b.Spec, b.Status})
			}
		}
	}
	if len(bindings) == 0 {
		return root.is(metav1.ConditionUnknown, "NothingSelected", "no template is propagated by this policy"), nil
	}
	for _, b := range bindings {
		template := &Node{Kind: b.spec.Resource.Kind, Namespace: b.spec.Resource.Namespace, Name: b.spec.Resource.Name}
		node, err := c.ofBinding(ctx, b)
		if err != nil {
			return nil, err
		}
		template.Children = []*Node{node}
		root.Children = append(root.Children, template.weigh(""))
	}
	return root.weigh("templates"), nil
}

// ofCluster shows a cluster's conditions.
func (c *Collector) ofCluster(root *Node) *Node {
	cluster, ok := c.clusters[root.Name]
	if !ok {
		return root.is(metav1.ConditionUnknown, "Gone", "the cluster was removed meanwhile")
	}
	c.clusterReady(root, cluster)
	for i := range cluster.Status.Conditions {
		cond := &cluster.Status.Conditions[i]
		root.Children = append(root.Children, (&Node{Kind: "Condition", Name: cond.Type}).fromCondition(cond))
	}
	for _, t := range cluster.Spec.Taints {
		root.Children = append(root.Children, &Node{Kind: "Taint", Name: t.ToString(), Since: t.TimeAdded})
	}
	return root
}

func ignoreNotFound(err error) error {
	if apierrors.IsNotFound(err) {
		return nil
	}
	return err
}
