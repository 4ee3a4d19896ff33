package promotion

import (
	"context"
	"fmt"
	"hash/fnv"
	"strings"

	policyv1alpha1 "github.com/karmada-io/karmada/pkg/apis/policy/v1alpha1"
	workv1alpha2 "github.com/karmada-io/karmada/pkg/apis/work/v1alpha2"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/rand"
	"k8s.io/client-go/dynamic"

	"atoll.dev/atoll/apis/karmada/wellknown"
	"atoll.dev/atoll/pkg/propagation/interpret"
)

// Side is one of the two API servers.
type Side struct {
	Dynamic dynamic.Interface
	Mapper  meta.RESTMapper
}

// Request says what is to be promoted.
type Request struct {
	Plane, Member Side
	Interpreter   interpret.Interpreter
	// Cluster is the name of the member.
	Cluster string
	// Resource is what the user calls the kind: deployment, deploy, deployments.apps…
	Resource string
	// Namespace is ignored for cluster-scoped kinds.
	Namespace, Name string
	// Policy tells whether a policy is made, and PolicyName its name; empty: the object's with a hash.
	Policy     bool
	PolicyName string
	// Dependencies takes along what the object refers to.
	Dependencies bool
	// DryRun has the control plane check everything and keep nothing.
	DryRun bool
}

// Result is what was, or in a dry run would be, created.
type Result struct {
	// Templates begin with the object itself; its dependencies follow.
	Templates []*unstructured.Unstructured `json:"templates"`
	// Policy is nil if none was asked for.
	Policy *unstructured.Unstructured `json:"policy,omitempty"`
	// Present are dependencies that the control plane has already; they were left alone.
	Present []string `json:"present,omitempty"`
	DryRun  bool     `json:"dryRun,omitempty"`
}

// Plan reads the member and makes the templates and the policy; it writes nothing.
func Plan(ctx context.Context, r Request) (*Result, error) {
	gvk, err := kindOf(r.Member.Mapper, r.Resource)
	if err != nil {
		return nil, fmt.Errorf("cluster %s: %w", r.Cluster, err)
	}
	live, err := r.read(ctx, gvk, r.Namespace, r.Name)
	if err != nil {
		return nil, err
	}
	exists, err := r.exists(ctx, live)
	if err != nil {
		return nil, err
	}
	if exists {
		return nil, fmt.Errorf("%s exists in the control plane already; have a policy send it to %s with conflictResolution: Overwrite to adopt what runs there", describe(live), r.Cluster)
	}
	if live.GetLabels()[wellknown.ManagedLabel] == wellknown.LabelValueTrue {
		return nil, fmt.Errorf("%s in cluster %s was dispatched by a control plane (%s); promote objects that belong to none", describe(live), r.Cluster, owner(live))
	}
	if refs := live.GetOwnerReferences(); len(refs) > 0 && metav1.GetControllerOf(live) != nil {
		return nil, fmt.Errorf("%s in cluster %s belongs to %s %s, which makes it; promote that instead", describe(live), r.Cluster, refs[0].Kind, refs[0].Name)
	}
	res := &Result{Templates: []*unstructured.Unstructured{Template(live)}, DryRun: r.DryRun}
	if r.Dependencies {
		if err := r.dependencies(ctx, live, res); err != nil {
			return nil, err
		}
	}
	if r.Policy {
		if res.Policy, err = r.policy(live); err != nil {
			return nil, err
		}
	}
	return res, nil
}

// Promote carries a plan out: the policy, the dependencies, the object.
func Promote(ctx context.Context, r Request, plan *Result) error {
	var opts metav1.CreateOptions
	if r.DryRun {
		opts.DryRun = []string{metav1.DryRunAll}
	}
	var all []*unstructured.Unstructured
	if plan.Policy != nil {
		all = append(all, plan.Policy)
	}
	all = append(all, plan.Templates[1:]...)
	for _, obj := range append(all, plan.Templates[0]) {
		client, err := resource(r.Plane, obj.GroupVersionKind(), obj.GetNamespace())
		if err != nil {
			return fmt.Errorf("control plane: %w", err)
		}
		_, err = client.Create(ctx, obj, opts)
		if apierrors.IsAlreadyExists(err) && obj != plan.Templates[0] {
			// Left by a run that was interrupted, if it says the same.
			was, getErr := client.Get(ctx, obj.GetName(), metav1.GetOptions{})
			if getErr == nil && (obj != plan.Policy || samePolicy(was, obj)) {
				continue
			}
		}
		if err != nil {
			return fmt.Errorf("creating %s in the control plane: %w", describe(obj), err)
		}
	}
	return nil
}

// samePolicy compares what selects and places; defaults may have been added to the rest.
func samePolicy(was, is *unstructured.Unstructured) bool {
	for _, path := range [][]string{{"spec", "resourceSelectors"}, {"spec", "placement", "clusterAffinity"}} {
		a, _, _ := unstructured.NestedFieldNoCopy(was.Object, path...)
		b, _, _ := unstructured.NestedFieldNoCopy(is.Object, path...)
		if !equality.Semantic.DeepEqual(a, b) {
			return false
		}
	}
	return true
}

func kindOf(mapper meta.RESTMapper, name string) (schema.GroupVersionKind, error) {
	gvr, group := schema.ParseResourceArg(strings.ToLower(name))
	if gvr != nil {
		if gvk, err := mapper.KindFor(*gvr); err == nil {
			return gvk, nil
		}
	}
	return mapper.KindFor(group.WithVersion(""))
}

func resource(side Side, gvk schema.GroupVersionKind, namespace string) (dynamic.ResourceInterface, error) {
	mapping, err := side.Mapper.RESTMapping(gvk.GroupKind(), gvk.Version)
	if err != nil {
		return nil, err
	}
	if mapping.Scope.Name() == meta.RESTScopeNameRoot {
		return side.Dynamic.Resource(mapping.Resource), nil
	}
	return side.Dynamic.Resource(mapping.Resource).Namespace(namespace), nil
}

func (r Request) read(ctx context.Context, gvk schema.GroupVersionKind, namespace, name string) (*unstructured.Unstructured, error) {
	client, err := resource(r.Member, gvk, namespace)
	if err != nil {
		return nil, fmt.Errorf("cluster %s: %w", r.Cluster, err)
	}
	live, err := client.Get(ctx, name, metav1.GetOptions{})
	if err != nil {
		return nil, fmt.Errorf("reading %s %s in cluster %s: %w", gvk.Kind, name, r.Cluster, err)
	}
	return live, nil
}

// exists tells whether the control plane has an object of this kind and name.
func (r Request) exists(ctx context.Context, live *unstructured.Unstructured) (bool, error) {
	client, err := resource(r.Plane, live.GroupVersionKind(), live.GetNamespace())
	if meta.IsNoMatchError(err) {
		return false, fmt.Errorf("the control plane does not serve %s; create its CustomResourceDefinition there first", live.GroupVersionKind())
	}
	if err != nil {
		return false, err
	}
	_, err = client.Get(ctx, live.GetName(), metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("looking for %s in the control plane: %w", describe(live), err)
	}
	return true, nil
}

func (r Request) dependencies(ctx context.Context, live *unstructured.Unstructured, res *Result) error {
	find := r.Interpreter.Hooks(live.GroupVersionKind()).Dependencies
	if find == nil {
		return nil
	}
	refs, err := find(ctx, live.DeepCopy())
	if err != nil {
		return fmt.Errorf("finding what %s needs: %w", describe(live), err)
	}
	for _, ref := range refs {
		gvk := schema.FromAPIVersionAndKind(ref.APIVersion, ref.Kind)
		if ref.Name == "" {
			continue // by labels: what it selects is not known to be needed
		}
		dependency, err := r.read(ctx, gvk, ref.Namespace, ref.Name)
		if err != nil {
			return fmt.Errorf("%s needs it: %w", describe(live), err)
		}
		exists, err := r.exists(ctx, dependency)
		if err != nil {
			return err
		}
		if exists {
			res.Present = append(res.Present, describe(dependency))
			continue
		}
		res.Templates = append(res.Templates, Template(dependency))
	}
	return nil
}

func (r Request) policy(live *unstructured.Unstructured) (*unstructured.Unstructured, error) {
	name := r.PolicyName
	if name == "" {
		h := fnv.New32a()
		fmt.Fprintf(h, "%s/%s/%s", live.GroupVersionKind(), live.GetNamespace(), live.GetName())
		name = strings.ToLower(strings.ReplaceAll(live.GetName(), ":", ".")) + "-" + rand.SafeEncodeString(fmt.Sprint(h.Sum32()))
	}
	spec := policyv1alpha1.PropagationSpec{
		PropagateDeps: r.Dependencies,
		ResourceSelectors: []policyv1alpha1.ResourceSelector{{
			APIVersion: live.GetAPIVersion(), Kind: live.GetKind(), Namespace: live.GetNamespace(), Name: live.GetName(),
		}},
		Placement: policyv1alpha1.Placement{ClusterAffinity: &policyv1alpha1.ClusterAffinity{ClusterNames: []string{r.Cluster}}},
	}
	gvk := policyv1alpha1.SchemeGroupVersion.WithKind(policyv1alpha1.ResourceKindPropagationPolicy)
	if live.GetNamespace() == "" {
		gvk.Kind = policyv1alpha1.ResourceKindClusterPropagationPolicy
	}
	content, err := runtime.DefaultUnstructuredConverter.ToUnstructured(&policyv1alpha1.PropagationPolicy{
		ObjectMeta: metav1.ObjectMeta{Namespace: live.GetNamespace(), Name: name}, Spec: spec,
	})
	if err != nil {
		return nil, fmt.Errorf("encoding policy %s: %w", name, err)
	}
	u := &unstructured.Unstructured{Object: content}
	u.SetGroupVersionKind(gvk)
	unstructured.RemoveNestedField(u.Object, "metadata", "creationTimestamp")
	return u, nil
}

func describe(u *unstructured.Unstructured) string {
	if u.GetNamespace() == "" {
		return u.GetKind() + " " + u.GetName()
	}
	return u.GetKind() + " " + u.GetNamespace() + "/" + u.GetName()
}

func owner(u *unstructured.Unstructured) string {
	return labels.Set{"plane": u.GetAnnotations()[wellknown.PlaneUIDAnnotation], "work": u.GetAnnotations()[workv1alpha2.WorkNameAnnotation]}.String()
}
