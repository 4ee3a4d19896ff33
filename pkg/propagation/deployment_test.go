package propagation_test

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"testing"
	"time"

	policyv1alpha1 "github.com/karmada-io/karmada/pkg/apis/policy/v1alpha1"
	workv1alpha1 "github.com/karmada-io/karmada/pkg/apis/work/v1alpha1"
	workv1alpha2 "github.com/karmada-io/karmada/pkg/apis/work/v1alpha2"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"atoll.dev/atoll/apis/karmada/wellknown"
)

var deployments = policyv1alpha1.ResourceSelector{APIVersion: "apps/v1", Kind: "Deployment"}

func deployment(namespace, name string, replicas int32) *appsv1.Deployment {
	labels := map[string]string{"app": name}
	return &appsv1.Deployment{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name, Labels: labels},
		Spec: appsv1.DeploymentSpec{
			Replicas: ptr.To(replicas), Selector: &metav1.LabelSelector{MatchLabels: labels},
			Template: corev1.PodTemplateSpec{
				ObjectMeta: metav1.ObjectMeta{Labels: labels},
				Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "web", Image: "nginx"}}},
			},
		},
	}
}

// inAll waits until every member has the object and check finds nothing wrong with it.
func (r *rig) inAll(obj client.Object, check func(m *member) error) {
	r.t.Helper()
	for _, m := range r.members {
		r.eventually(fmt.Sprintf("%T %s in %s", obj, client.ObjectKeyFromObject(obj), m.name), func(ctx context.Context) error {
			if err := m.Get(ctx, client.ObjectKeyFromObject(obj), obj); err != nil {
				return err
			}
			if check == nil {
				return nil
			}
			return check(m)
		})
	}
}

// settleNamespace makes sure that the test's namespace is in all members.
func (r *rig) settleNamespace() {
	r.t.Helper()
	r.inAll(&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: r.namespace}}, nil)
	r.quiet()
}

func TestDeployment(t *testing.T) {
	r := newRig(t, 3)
	r.policy("all", nil, deployments)
	// The kind's first use in a member starts a watch there; the second deployment is the usual case.
	r.create(deployment(r.namespace, "first", 0))
	r.settleNamespace()
	r.inAll(deployment(r.namespace, "first", 0), nil)
	r.quiet()
	r.writes.reset()

	r.create(deployment(r.namespace, "web", 2))
	key := types.NamespacedName{Namespace: r.namespace, Name: "web"}
	began := time.Now()
	r.inAll(&appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Namespace: r.namespace, Name: "web"}}, nil)
	t.Logf("present in 3 members after %s", time.Since(began))

	t.Run("writes until applied everywhere", func(t *testing.T) {
		r.eventually("fully applied", func(ctx context.Context) error {
			var b workv1alpha2.ResourceBinding
			if err := r.plane.Get(ctx, types.NamespacedName{Namespace: r.namespace, Name: "web-deployment"}, &b); err != nil {
				return err
			}
			if !meta.IsStatusConditionTrue(b.Status.Conditions, workv1alpha2.FullyApplied) {
				return fmt.Errorf("conditions %v", b.Status.Conditions)
			}
			return nil
		})
		r.quiet()
		// What is allowed until it is present everywhere (claim, binding, its placement and that it is
		// scheduled, a Work and its status for each member), and after that one status of the binding
		// and at most one of the template.
		allowed := map[string]int{
			"PATCH deployments": 1, "POST resourcebindings": 1, "PATCH resourcebindings": 1, // the last is the scheduler's
			"PATCH resourcebindings/status": 2, // one of them the scheduler's
			"POST works":                    3, "PATCH works/status": 3,
			"PATCH deployments/status": 1,
		}
		writes, _ := r.writes.all()
		for what, n := range writes {
			if n > allowed[what] {
				t.Errorf("%d × %s, want at most %d", n, what, allowed[what])
			}
		}
	})

	t.Run("as Karmada writes it", func(t *testing.T) { checkShape(t, r, key) })

	t.Run("status comes back", func(t *testing.T) {
		for i, m := range r.members {
			var d appsv1.Deployment
			if err := m.Get(t.Context(), key, &d); err != nil {
				t.Fatal(err)
			}
			d.Status = appsv1.DeploymentStatus{ObservedGeneration: d.Generation, Replicas: 2, UpdatedReplicas: 2, ReadyReplicas: int32(i), AvailableReplicas: int32(i), UnavailableReplicas: int32(2 - i)}
			if err := m.Status().Update(t.Context(), &d); err != nil {
				t.Fatal(err)
			}
		}
		r.eventually("the sum", func(ctx context.Context) error {
			var d appsv1.Deployment
			if err := r.plane.Get(ctx, key, &d); err != nil {
				return err
			}
			want := appsv1.DeploymentStatus{ObservedGeneration: d.Generation, Replicas: 6, UpdatedReplicas: 6, ReadyReplicas: 3, AvailableReplicas: 3, UnavailableReplicas: 3}
			got := d.Status
			got.Conditions = nil
			if fmt.Sprint(got) != fmt.Sprint(want) {
				return fmt.Errorf("status %+v, want %+v", got, want)
			}
			return nil
		})
	})

	t.Run("a restart writes nothing", func(t *testing.T) {
		r.quiet()
		r.restart()
		r.quiet()
		if writes, n := r.writes.all(); n != 0 {
			t.Errorf("wrote to the control plane: %v", writes)
		}
		for _, m := range r.members {
			if writes, n := m.writes.all(); n != 0 {
				t.Errorf("wrote to %s: %v", m.name, writes)
			}
		}
	})
}

// checkShape compares a Work and its object with what Karmada v1.18 makes of the same template.
func checkShape(t *testing.T, r *rig, key types.NamespacedName) {
	ctx := t.Context()
	var template, object appsv1.Deployment
	var binding workv1alpha2.ResourceBinding
	var w workv1alpha1.Work
	m := r.members[0]
	workKey := types.NamespacedName{Namespace: wellknown.ExecutionNamespace(m.name), Name: wellknown.WorkName("Deployment", key.Name, key.Namespace)}
	for _, get := range []struct {
		c   client.Client
		key types.NamespacedName
		obj client.Object
	}{
		{r.plane, key, &template},
		{r.plane, types.NamespacedName{Namespace: key.Namespace, Name: "web-deployment"}, &binding},
		{r.plane, workKey, &w},
		{m, key, &object},
	} {
		if err := get.c.Get(ctx, get.key, get.obj); err != nil {
			t.Fatal(err)
		}
	}
	policyID, generation := r.namespace+"-all", strconv.FormatInt(template.Generation, 10)
	want := func(what string, got, want map[string]string) {
		for k, v := range want {
			if got[k] != v {
				t.Errorf("%s: %s is %q, want %q", what, k, got[k], v)
			}
		}
	}
	claim := map[string]string{
		policyv1alpha1.PropagationPolicyNamespaceAnnotation: r.namespace, policyv1alpha1.PropagationPolicyNameAnnotation: "all",
	}
	claimLabel := map[string]string{policyv1alpha1.PropagationPolicyPermanentIDLabel: policyID}
	back := map[string]string{
		workv1alpha2.ResourceBindingNamespaceAnnotationKey: r.namespace, workv1alpha2.ResourceBindingNameAnnotationKey: "web-deployment",
		workv1alpha2.ResourceConflictResolutionAnnotation: "abort",
	}
	bindingID := map[string]string{workv1alpha2.ResourceBindingPermanentIDLabel: binding.Labels[workv1alpha2.ResourceBindingPermanentIDLabel]}
	if bindingID[workv1alpha2.ResourceBindingPermanentIDLabel] == "" {
		t.Error("the binding has no permanent ID")
	}
	want("template", template.Labels, claimLabel)
	want("template", template.Annotations, claim)
	want("binding", binding.Labels, claimLabel)
	want("binding", binding.Annotations, claim)
	want("Work", w.Labels, bindingID)
	want("Work", w.Annotations, back)
	want("object", object.Labels, bindingID)
	want("object", object.Labels, claimLabel)
	want("object", object.Annotations, back)
	want("object", object.Annotations, claim)
	want("object", object.Labels, map[string]string{
		"app": "web", wellknown.ManagedLabel: "true", workv1alpha2.WorkPermanentIDLabel: w.Labels[workv1alpha2.WorkPermanentIDLabel],
	})
	want("object", object.Annotations, map[string]string{
		workv1alpha2.WorkNameAnnotation: workKey.Name, workv1alpha2.WorkNamespaceAnnotation: workKey.Namespace,
		workv1alpha2.ResourceTemplateUIDAnnotation: string(template.UID), workv1alpha2.ResourceTemplateGenerationAnnotationKey: generation,
		workv1alpha2.ManagedLabels:   "app,karmada.io/managed,propagationpolicy.karmada.io/permanent-id,resourcebinding.karmada.io/permanent-id,work.karmada.io/permanent-id",
		wellknown.PlaneUIDAnnotation: planeUID, wellknown.TemplateUIDAnnotation: string(template.UID), wellknown.TemplateGenerationAnnotation: generation,
	})
	if owner := metav1.GetControllerOf(&binding); owner == nil || owner.UID != template.UID {
		t.Errorf("the binding's owner is %v, want the template", owner)
	}
	if !slices.Contains(binding.Finalizers, wellknown.BindingControllerFinalizer) || !slices.Contains(w.Finalizers, wellknown.ExecutionControllerFinalizer) {
		t.Errorf("finalizers of binding %v and Work %v", binding.Finalizers, w.Finalizers)
	}
	if got := binding.Spec.Resource; got.UID != template.UID || got.ResourceVersion == "" || got.APIVersion != "apps/v1" || got.Kind != "Deployment" || binding.Spec.Replicas != 2 {
		t.Errorf("the binding is of %+v with %d replicas", got, binding.Spec.Replicas)
	}
	if c := meta.FindStatusCondition(w.Status.Conditions, workv1alpha1.WorkApplied); c == nil || c.Reason != "AppliedSuccessful" || c.Message != "Manifest has been successfully applied" {
		t.Errorf("condition Applied is %+v", c)
	}
	if c := meta.FindStatusCondition(w.Status.Conditions, workv1alpha1.WorkDispatching); c == nil || c.Reason != "Dispatching" || c.Status != metav1.ConditionTrue {
		t.Errorf("condition Dispatching is %+v", c)
	}
	if n := len(w.Status.ManifestStatuses); n != 1 || w.Status.ManifestStatuses[0].Identifier != (workv1alpha1.ResourceIdentifier{Group: "apps", Version: "v1", Kind: "Deployment", Namespace: r.namespace, Name: "web"}) {
		t.Errorf("manifest statuses %+v", w.Status.ManifestStatuses)
	}
}
