package propagation_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	policyv1alpha1 "github.com/karmada-io/karmada/pkg/apis/policy/v1alpha1"
	workv1alpha1 "github.com/karmada-io/karmada/pkg/apis/work/v1alpha1"
	workv1alpha2 "github.com/karmada-io/karmada/pkg/apis/work/v1alpha2"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"atoll.dev/atoll/apis/karmada/wellknown"
)

var configMaps = policyv1alpha1.ResourceSelector{APIVersion: "v1", Kind: "ConfigMap"}

func (r *rig) configMap(name, value string) *corev1.ConfigMap {
	return &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: r.namespace, Name: name}, Data: map[string]string{"key": value}}
}

// patch changes an object by a merge patch, with ours or a member's client.
func (r *rig) patch(c client.Client, obj client.Object, patch string) {
	r.t.Helper()
	if err := c.Patch(r.t.Context(), obj, client.RawPatch(types.MergePatchType, []byte(patch))); err != nil {
		r.t.Fatalf("patching %T %s: %v", obj, client.ObjectKeyFromObject(obj), err)
	}
}

func (r *rig) gone(c client.Client, obj client.Object) {
	r.t.Helper()
	r.eventually(fmt.Sprintf("%T %s gone", obj, client.ObjectKeyFromObject(obj)), func(ctx context.Context) error {
		err := c.Get(ctx, client.ObjectKeyFromObject(obj), obj)
		if apierrors.IsNotFound(err) {
			return nil
		}
		return errors.Join(err, errors.New("it is there"))
	})
}

// deleteTemplate deletes a template and, as the garbage collector would, its binding.
func (r *rig) deleteTemplate(obj client.Object, kind string) {
	r.t.Helper()
	if err := r.plane.Delete(r.t.Context(), obj); err != nil {
		r.t.Fatal(err)
	}
	b := &workv1alpha2.ResourceBinding{ObjectMeta: metav1.ObjectMeta{Namespace: obj.GetNamespace(), Name: wellknown.BindingName(kind, obj.GetName())}}
	if err := client.IgnoreNotFound(r.plane.Delete(r.t.Context(), b)); err != nil {
		r.t.Fatal(err)
	}
}

func TestMembersKeepWhatTheyOwn(t *testing.T) {
	r := newRig(t, 2)
	r.policy("all", nil, deployments, configMaps)
	r.settleNamespace()
	m := r.members[0]

	d := deployment(r.namespace, "web", 2)
	d.Annotations = map[string]string{"ours": "1", "dropped": "1"}
	r.create(d)
	r.create(r.configMap("cm", "a"))
	r.inAll(d, nil)
	r.inAll(r.configMap("cm", ""), nil)
	r.quiet()

	t.Run("a field that the template drops goes, others' fields stay", func(t *testing.T) {
		r.patch(m, d, `{"metadata":{"annotations":{"theirs":"2"},"labels":{"theirs":"2"},"finalizers":["example.com/theirs"]}}`)
		r.patch(r.plane, d, `{"metadata":{"annotations":{"dropped":null}},"spec":{"template":{"spec":{"priorityClassName":null,"containers":[{"name":"web","image":"nginx:2"}]}}}}`)
		r.inAll(d, func(at *member) error {
			_, dropped := d.Annotations["dropped"]
			if dropped || d.Annotations["ours"] != "1" || d.Spec.Template.Spec.Containers[0].Image != "nginx:2" {
				return fmt.Errorf("annotations %v, image %s", d.Annotations, d.Spec.Template.Spec.Containers[0].Image)
			}
			if at == m && (d.Annotations["theirs"] != "2" || d.Labels["theirs"] != "2" || len(d.Finalizers) != 1) {
				return fmt.Errorf("annotations %v, labels %v, finalizers %v", d.Annotations, d.Labels, d.Finalizers)
			}
			return nil
		})
		r.patch(m, d, `{"metadata":{"finalizers":null}}`)
	})

	t.Run("drift is corrected", func(t *testing.T) {
		cm := r.configMap("cm", "")
		r.patch(m, cm, `{"data":{"key":"meddled"}}`)
		r.inAll(cm, func(*member) error {
			if cm.Data["key"] != "a" {
				return fmt.Errorf("data %v", cm.Data)
			}
			return nil
		})
		r.patch(m, d, `{"spec":{"replicas":7}}`)
		r.inAll(d, func(*member) error {
			if *d.Spec.Replicas != 2 {
				return fmt.Errorf("%d replicas", *d.Spec.Replicas)
			}
			return nil
		})
	})

	t.Run("a deleted object comes back", func(t *testing.T) {
		cm := r.configMap("cm", "")
		if err := m.Get(t.Context(), client.ObjectKeyFromObject(cm), cm); err != nil {
			t.Fatal(err)
		}
		uid := cm.UID
		if err := m.Delete(t.Context(), cm); err != nil {
			t.Fatal(err)
		}
		r.inAll(cm, func(at *member) error {
			if at == m && cm.UID == uid {
				return errors.New("it is still the old one")
			}
			return nil
		})
	})

	t.Run("replicas are the member's if the template says so", func(t *testing.T) {
		r.patch(r.plane, d, `{"metadata":{"labels":{"resourcetemplate.karmada.io/retain-replicas":"true"}}}`)
		r.inAll(d, func(*member) error {
			if d.Labels[wellknown.RetainReplicasLabel] != "true" {
				return errors.New("no label yet")
			}
			return nil
		})
		r.patch(m, d, `{"spec":{"replicas":9}}`)
		r.quiet()
		r.patch(r.plane, d, `{"spec":{"template":{"spec":{"containers":[{"name":"web","image":"nginx:3"}]}}}}`)
		r.inAll(d, func(at *member) error {
			want := int32(2)
			if at == m {
				want = 9
			}
			if d.Spec.Template.Spec.Containers[0].Image != "nginx:3" || *d.Spec.Replicas != want {
				return fmt.Errorf("image %s, %d replicas, want %d", d.Spec.Template.Spec.Containers[0].Image, *d.Spec.Replicas, want)
			}
			return nil
		})
		r.quiet()
		if err := m.Get(t.Context(), client.ObjectKeyFromObject(d), d); err != nil || *d.Spec.Replicas != 9 {
			t.Errorf("%d replicas in the end, %v", *d.Spec.Replicas, err)
		}
	})

	t.Run("a suspended policy stops dispatching", func(t *testing.T) {
		p := &policyv1alpha1.PropagationPolicy{ObjectMeta: metav1.ObjectMeta{Namespace: r.namespace, Name: "all"}}
		r.patch(r.plane, p, fmt.Sprintf(`{"spec":{"suspension":{"dispatchingOnClusters":{"clusterNames":[%q]}}}}`, m.name))
		var w workv1alpha1.Work
		r.eventually("the condition", func(ctx context.Context) error {
			key := types.NamespacedName{Namespace: wellknown.ExecutionNamespace(m.name), Name: wellknown.WorkName("ConfigMap", "cm", r.namespace)}
			if err := r.plane.Get(ctx, key, &w); err != nil {
				return err
			}
			if c := meta.FindStatusCondition(w.Status.Conditions, workv1alpha1.WorkDispatching); c == nil || c.Reason != "SuspendDispatching" {
				return fmt.Errorf("%+v", c)
			}
			return nil
		})
		cm := r.configMap("cm", "")
		r.patch(r.plane, cm, `{"data":{"key":"b"}}`)
		value := func(want string) func(ctx context.Context) error {
			return func(ctx context.Context) error {
				if err := r.members[1].Get(ctx, client.ObjectKeyFromObject(cm), cm); err != nil || cm.Data["key"] != want {
					return fmt.Errorf("%v, %w", cm.Data, err)
				}
				return nil
			}
		}
		r.eventually("the other member has it", value("b"))
		if err := m.Get(t.Context(), client.ObjectKeyFromObject(cm), cm); err != nil || cm.Data["key"] != "a" {
			t.Errorf("the suspended member has %v, %v", cm.Data, err)
		}
		r.patch(r.plane, p, `{"spec":{"suspension":null}}`)
		r.inAll(cm, func(*member) error {
			if cm.Data["key"] != "b" {
				return fmt.Errorf("%v", cm.Data)
			}
			return nil
		})
	})

	t.Run("deleting the template deletes, unless preserved", func(t *testing.T) {
		r.deleteTemplate(r.configMap("cm", ""), "ConfigMap")
		for _, m := range r.members {
			r.gone(m, r.configMap("cm", ""))
		}
		p := &policyv1alpha1.PropagationPolicy{ObjectMeta: metav1.ObjectMeta{Namespace: r.namespace, Name: "all"}}
		r.patch(r.plane, p, `{"spec":{"preserveResourcesOnDeletion":true}}`)
		r.eventually("the Work knows", func(ctx context.Context) error {
			var w workv1alpha1.Work
			key := types.NamespacedName{Namespace: wellknown.ExecutionNamespace(m.name), Name: wellknown.WorkName("Deployment", "web", r.namespace)}
			if err := r.plane.Get(ctx, key, &w); err != nil || !ptr.Deref(w.Spec.PreserveResourcesOnDeletion, false) {
				return fmt.Errorf("%v, %w", w.Spec.PreserveResourcesOnDeletion, err)
			}
			return nil
		})
		r.deleteTemplate(deployment(r.namespace, "web", 0), "Deployment")
		for _, m := range r.members {
			var works workv1alpha1.WorkList
			r.eventually("the Work is gone", func(ctx context.Context) error {
				if err := r.plane.List(ctx, &works, client.InNamespace(wellknown.ExecutionNamespace(m.name))); err != nil {
					return err
				}
				for _, w := range works.Items {
					if strings.HasPrefix(w.Name, "web-") {
						return errors.New("it is there")
					}
				}
				return nil
			})
		}
		r.inAll(d, func(*member) error {
			for _, all := range []map[string]string{d.Labels, d.Annotations} {
				for k := range all {
					if strings.Contains(k, "karmada.io") && k != wellknown.RetainReplicasLabel || strings.Contains(k, "atoll.dev") {
						return fmt.Errorf("it still carries %s", k)
					}
				}
			}
			return nil
		})
	})
}

func TestConflicts(t *testing.T) {
	r := newRig(t, 2)
	p := r.policy("all", nil, configMaps)
	r.settleNamespace()
	m := r.members[0]
	theirs := r.configMap("cm", "theirs")
	theirs.Data["more"] = "kept"
	if err := m.Create(t.Context(), theirs); err != nil {
		t.Fatal(err)
	}
	r.create(r.configMap("cm", "ours"))
	var b workv1alpha2.ResourceBinding
	key := types.NamespacedName{Namespace: r.namespace, Name: "cm-configmap"}
	r.eventually("the refusal on the binding", func(ctx context.Context) error {
		if err := r.plane.Get(ctx, key, &b); err != nil {
			return err
		}
		for _, item := range b.Status.AggregatedStatus {
			if item.ClusterName == m.name && !item.Applied && strings.Contains(item.AppliedMessage, "already exists in the cluster "+m.name) &&
				meta.IsStatusConditionFalse(b.Status.Conditions, workv1alpha2.FullyApplied) {
				return nil
			}
		}
		return fmt.Errorf("%+v", b.Status)
	})
	r.inAll(r.configMap("cm", ""), nil)
	cm := r.configMap("cm", "")
	if err := m.Get(t.Context(), client.ObjectKeyFromObject(cm), cm); err != nil || cm.Data["key"] != "theirs" {
		t.Fatalf("theirs is %v, %v", cm.Data, err)
	}

	r.patch(r.plane, p, `{"spec":{"conflictResolution":"Overwrite"}}`)
	r.inAll(cm, func(at *member) error {
		if cm.Data["key"] != "ours" || at == m && (cm.Data["more"] != "kept" || cm.UID != theirs.UID) {
			return fmt.Errorf("%v", cm.Data)
		}
		return nil
	})
	r.eventually("fully applied", func(ctx context.Context) error {
		if err := r.plane.Get(ctx, key, &b); err != nil || !meta.IsStatusConditionTrue(b.Status.Conditions, workv1alpha2.FullyApplied) {
			return fmt.Errorf("%+v, %w", b.Status.Conditions, err)
		}
		return nil
	})
}

// A member that refuses is quoted.
func TestRefusal(t *testing.T) {
	r := newRig(t, 1)
	r.policy("all", nil, configMaps, deployments)
	r.settleNamespace()
	quota := &corev1.ResourceQuota{
		ObjectMeta: metav1.ObjectMeta{Namespace: r.namespace, Name: "none"},
		Spec:       corev1.ResourceQuotaSpec{Hard: corev1.ResourceList{}},
	}
	quota.Spec.Hard["count/configmaps"] = resource.MustParse("0")
	if err := r.members[0].Create(t.Context(), quota); err != nil {
		t.Fatal(err)
	}
	// Without a quota controller nobody counts: the status is the test's.
	quota.Status = corev1.ResourceQuotaStatus{Hard: quota.Spec.Hard, Used: quota.Spec.Hard}
	if err := r.members[0].Status().Update(t.Context(), quota); err != nil {
		t.Fatal(err)
	}
	r.create(r.configMap("cm", "a"))
	r.eventually("the member's words", func(ctx context.Context) error {
		var w workv1alpha1.Work
		key := types.NamespacedName{Namespace: wellknown.ExecutionNamespace(r.members[0].name), Name: wellknown.WorkName("ConfigMap", "cm", r.namespace)}
		if err := r.plane.Get(ctx, key, &w); err != nil {
			return err
		}
		c := meta.FindStatusCondition(w.Status.Conditions, workv1alpha1.WorkApplied)
		if c == nil || c.Status != metav1.ConditionFalse || c.Reason != "AppliedFailed" || !strings.Contains(c.Message, "exceeded quota: none") {
			return fmt.Errorf("%+v", c)
		}
		return nil
	})
	r.item("cm-configmap", r.members[0], func(item workv1alpha2.AggregatedStatusItem, fullyApplied bool) bool {
		return !item.Applied && !fullyApplied && strings.Contains(item.AppliedMessage, "exceeded quota: none")
	})
	if err := r.members[0].Delete(t.Context(), quota); err != nil {
		t.Fatal(err)
	}
	r.inAll(r.configMap("cm", ""), nil) // after its backoff
	r.item("cm-configmap", r.members[0], func(item workv1alpha2.AggregatedStatusItem, fullyApplied bool) bool {
		return item.Applied && fullyApplied && item.AppliedMessage == ""
	})
}

// A member that answers nothing delays no other, and gets everything when it is back.
func TestDeadMemberDelaysNobody(t *testing.T) {
	r := newRig(t, 3)
	r.policy("all", nil, deployments)
	r.settleNamespace()
	dead, alive := r.members[0], r.members[1:]
	release := dead.hold()
	const n = 30
	began := time.Now()
	for i := range n {
		r.create(deployment(r.namespace, fmt.Sprintf("d%d", i), 0))
	}
	for i := range n {
		for _, m := range alive {
			r.eventually("there", func(ctx context.Context) error {
				return m.Get(ctx, types.NamespacedName{Namespace: r.namespace, Name: fmt.Sprintf("d%d", i)}, &appsv1.Deployment{})
			})
		}
	}
	t.Logf("%d deployments in %d members after %s, one more being dead", n, len(alive), time.Since(began))
	release()
	for i := range n {
		r.inAll(deployment(r.namespace, fmt.Sprintf("d%d", i), 0), nil)
	}
}
