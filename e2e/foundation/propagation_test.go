package foundation

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"testing"

	policyv1alpha1 "github.com/karmada-io/karmada/pkg/apis/policy/v1alpha1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/util/retry"
	"k8s.io/utils/ptr"
)

// TestReplicas propagates a Deployment and looks at the replicas that each
// member runs and at their sum on the template.
func TestReplicas(t *testing.T) {
	for _, test := range []struct {
		name      string
		placement func() policyv1alpha1.Placement // called when the fleet is there
		replicas  int32
		want      []int32 // by member; -1 for absent
		sum       int32
	}{
		{"duplicated to two members", func() policyv1alpha1.Placement { return duplicated("member1", "member2") }, 2, []int32{2, 2, -1}, 4},
		{"duplicated to all", func() policyv1alpha1.Placement { return duplicated() }, 1, []int32{1, 1, 1}, 3},
		{"static weights that divide evenly", func() policyv1alpha1.Placement { return weighted(1, 2, 3) }, 6, []int32{1, 2, 3}, 6},
		{"static weights, two members", func() policyv1alpha1.Placement { return weighted(3, 1, 0) }, 4, []int32{3, 1, -1}, 4},
		{"static weights, one member", func() policyv1alpha1.Placement { return weighted(0, 0, 5) }, 3, []int32{-1, -1, 3}, 3},
	} {
		t.Run(test.name, func(t *testing.T) {
			namespace := newNamespace(t)
			createPolicy(t, namespace, policy("web", test.placement(), selectKind("apps/v1", "Deployment")))
			_, err := fleet.plane.kube.AppsV1().Deployments(namespace).Create(t.Context(), deployment("web", test.replicas), metav1.CreateOptions{})
			must(t, err)
			for i, m := range fleet.members {
				eventually(t, "the replicas in "+m.Name, runs(m, namespace, "web", test.want[i]))
			}
			eventually(t, "the sum on the template", statusIs(namespace, "web", test.sum))
		})
	}
}

// TestTemplateChanges follows one template from its creation to its deletion.
func TestTemplateChanges(t *testing.T) {
	namespace := newNamespace(t)
	deployments := fleet.plane.kube.AppsV1().Deployments(namespace)
	_, err := deployments.Create(t.Context(), deployment("web", 1), metav1.CreateOptions{})
	must(t, err)
	// A policy that comes later finds the template.
	createPolicy(t, namespace, policy("web", duplicated(), selectKind("apps/v1", "Deployment")))
	eventually(t, "the first sum", statusIs(namespace, "web", joined))

	must(t, retry.RetryOnConflict(retry.DefaultRetry, func() error {
		template, err := deployments.Get(t.Context(), "web", metav1.GetOptions{})
		if err != nil {
			return err
		}
		template.Spec.Replicas = ptr.To[int32](2)
		template.Spec.Template.Spec.Containers[0].Image = "nginx:1.28"
		_, err = deployments.Update(t.Context(), template, metav1.UpdateOptions{})
		return err
	}))
	eventually(t, "the new image and replicas in the members", onEach(func(ctx context.Context, m member) error {
		if err := runs(m, namespace, "web", 2)(ctx); err != nil {
			return err
		}
		copied, err := m.kube.AppsV1().Deployments(namespace).Get(ctx, "web", metav1.GetOptions{})
		if err == nil && copied.Spec.Template.Spec.Containers[0].Image != "nginx:1.28" {
			err = fmt.Errorf("image %s", copied.Spec.Template.Spec.Containers[0].Image)
		}
		return err
	}))
	eventually(t, "the new sum", statusIs(namespace, "web", 2*joined))

	must(t, deployments.Delete(t.Context(), "web", metav1.DeleteOptions{}))
	for _, m := range fleet.members {
		eventually(t, "the copy in "+m.Name+" to go", runs(m, namespace, "web", -1))
	}
	eventually(t, "bindings and works to go", func(ctx context.Context) error {
		bindings, err := fleet.plane.karmada.WorkV1alpha2().ResourceBindings(namespace).List(ctx, metav1.ListOptions{})
		if err == nil && len(bindings.Items) > 0 {
			err = fmt.Errorf("%d bindings", len(bindings.Items))
		}
		return err
	})
}

// TestOrigin looks at what a dispatched object says about where it came from,
// and at the names under which Karmada's clients look for the objects between.
func TestOrigin(t *testing.T) {
	namespace := newNamespace(t)
	createPolicy(t, namespace, policy("web", duplicated("member1"), selectKind("apps/v1", "Deployment")))
	template, err := fleet.plane.kube.AppsV1().Deployments(namespace).Create(t.Context(), deployment("web", 1), metav1.CreateOptions{})
	must(t, err)
	m := fleet.members[0]
	eventually(t, "the copy", runs(m, namespace, "web", 1))

	// The API server counts a change of a Deployment's annotations as a generation: the claim is one.
	template, err = fleet.plane.kube.AppsV1().Deployments(namespace).Get(t.Context(), "web", metav1.GetOptions{})
	must(t, err)
	copied, err := m.kube.AppsV1().Deployments(namespace).Get(t.Context(), "web", metav1.GetOptions{})
	must(t, err)
	plane, err := fleet.plane.kube.CoreV1().ConfigMaps("atoll-system").Get(t.Context(), "plane", metav1.GetOptions{})
	must(t, err)
	for key, want := range map[string]string{
		"atoll.dev/plane-uid":           plane.Data["planeUID"],
		"atoll.dev/template-uid":        string(template.UID),
		"atoll.dev/template-generation": strconv.FormatInt(template.Generation, 10),
	} {
		if got := copied.Annotations[key]; got != want || want == "" {
			t.Errorf("annotation %s of the copy: %q, want %q", key, got, want)
		}
	}
	if got := copied.Labels["karmada.io/managed"]; got != "true" {
		t.Errorf("label karmada.io/managed of the copy: %q, want true", got)
	}

	binding, err := fleet.plane.karmada.WorkV1alpha2().ResourceBindings(namespace).Get(t.Context(), "web-deployment", metav1.GetOptions{})
	must(t, err)
	if len(binding.Spec.Clusters) != 1 || binding.Spec.Clusters[0].Name != m.Name {
		t.Errorf("clusters of the binding: %+v, want %s alone", binding.Spec.Clusters, m.Name)
	}
	eventually(t, "the binding's conditions", func(ctx context.Context) error {
		binding, err := fleet.plane.karmada.WorkV1alpha2().ResourceBindings(namespace).Get(ctx, "web-deployment", metav1.GetOptions{})
		if err != nil {
			return err
		}
		for _, wanted := range []string{"Scheduled", "FullyApplied"} {
			if !holds(binding.Status.Conditions, wanted) {
				return fmt.Errorf("%s is not True: %+v", wanted, binding.Status.Conditions)
			}
		}
		return nil
	})
	works, err := fleet.plane.karmada.WorkV1alpha1().Works("karmada-es-"+m.Name).List(t.Context(), metav1.ListOptions{})
	must(t, err)
	found := false
	for _, work := range works.Items {
		for _, manifest := range work.Status.ManifestStatuses {
			found = found || manifest.Identifier.Kind == "Deployment" && manifest.Identifier.Namespace == namespace && manifest.Identifier.Name == "web"
		}
	}
	if !found {
		t.Errorf("none of the %d works in karmada-es-%s reports on deployment %s/web", len(works.Items), m.Name, namespace)
	}
}

func createPolicy(t *testing.T, namespace string, p *policyv1alpha1.PropagationPolicy) {
	t.Helper()
	_, err := fleet.plane.karmada.PolicyV1alpha1().PropagationPolicies(namespace).Create(t.Context(), p, metav1.CreateOptions{})
	must(t, err)
}

// runs checks that a member has a Deployment with so many replicas, all ready;
// -1 for no such Deployment.
func runs(m member, namespace, name string, replicas int32) func(context.Context) error {
	return func(ctx context.Context) error {
		copied, err := m.kube.AppsV1().Deployments(namespace).Get(ctx, name, metav1.GetOptions{})
		switch {
		case replicas < 0 && err == nil:
			return errors.New("it is there")
		case replicas < 0 && apierrors.IsNotFound(err):
			return nil
		case err != nil:
			return err
		case ptr.Deref(copied.Spec.Replicas, 1) != replicas || copied.Status.ReadyReplicas != replicas:
			return fmt.Errorf("replicas: %d wanted, %d ready, want %d of each", ptr.Deref(copied.Spec.Replicas, 1), copied.Status.ReadyReplicas, replicas)
		}
		return nil
	}
}

// statusIs checks that the template's status shows so many replicas, all ready.
func statusIs(namespace, name string, sum int32) func(context.Context) error {
	return func(ctx context.Context) error {
		template, err := fleet.plane.kube.AppsV1().Deployments(namespace).Get(ctx, name, metav1.GetOptions{})
		if err != nil {
			return err
		}
		s := template.Status
		if s.Replicas != sum || s.ReadyReplicas != sum || s.AvailableReplicas != sum || s.UpdatedReplicas != sum {
			return fmt.Errorf("status: %d replicas, %d ready, %d available, %d updated, want %d of each",
				s.Replicas, s.ReadyReplicas, s.AvailableReplicas, s.UpdatedReplicas, sum)
		}
		return nil
	}
}

func holds(conditions []metav1.Condition, kind string) bool {
	for _, condition := range conditions {
		if condition.Type == kind {
			return condition.Status == metav1.ConditionTrue
		}
	}
	return false
}
