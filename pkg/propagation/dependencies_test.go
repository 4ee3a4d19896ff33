package propagation_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	policyv1alpha1 "github.com/karmada-io/karmada/pkg/apis/policy/v1alpha1"
	workv1alpha2 "github.com/karmada-io/karmada/pkg/apis/work/v1alpha2"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// uses makes a Deployment that mounts ConfigMaps.
func (r *rig) uses(name string, configMaps ...string) *appsv1.Deployment {
	d := deployment(r.namespace, name, 1)
	for _, cm := range configMaps {
		v := corev1.Volume{Name: cm}
		v.ConfigMap = &corev1.ConfigMapVolumeSource{}
		v.ConfigMap.Name = cm
		d.Spec.Template.Spec.Volumes = append(d.Spec.Template.Spec.Volumes, v)
	}
	return d
}

// requiredBy waits until the binding of a ConfigMap is required by exactly these; there is none if there are none.
func (r *rig) requiredBy(configMap string, want ...string) {
	r.t.Helper()
	r.eventually(fmt.Sprintf("%s required by %v", configMap, want), func(ctx context.Context) error {
		var b workv1alpha2.ResourceBinding
		err := r.plane.Get(ctx, types.NamespacedName{Namespace: r.namespace, Name: configMap + "-configmap"}, &b)
		if apierrors.IsNotFound(err) && len(want) == 0 {
			return nil
		}
		if err != nil {
			return err
		}
		var got []string
		for _, s := range b.Spec.RequiredBy {
			got = append(got, s.Name)
		}
		if fmt.Sprint(got) != fmt.Sprint(want) {
			return fmt.Errorf("by %v", got)
		}
		return nil
	})
}

func propagateDeps(p *policyv1alpha1.PropagationPolicy) { p.Spec.PropagateDeps = true }

func TestDependencies(t *testing.T) {
	r := newRig(t, 2)
	r.settleNamespace()
	p := r.policy("deps", propagateDeps, deployments)
	for _, name := range []string{"a", "b"} {
		r.create(r.configMap(name, "1"))
	}
	web := r.uses("web", "a", "b", "late")
	r.create(web)
	r.keys("a", "1", "1")
	r.keys("b", "1", "1")
	r.create(r.configMap("late", "1")) // made after the workload that needs it
	r.keys("late", "1", "1")

	r.patch(r.plane, r.configMap("a", ""), `{"data":{"key":"2"}}`)
	r.keys("a", "2", "2")

	// A second workload shares one; the first no longer needs another.
	other := r.uses("other", "a")
	r.create(other)
	r.requiredBy("a", "other-deployment", "web-deployment")
	r.patch(r.plane, web, `{"spec":{"template":{"spec":{"volumes":null}}}}`)
	r.requiredBy("a", "other-deployment")
	r.requiredBy("b")
	for _, m := range r.members {
		r.gone(m, r.configMap("b", ""))
	}
	r.keys("a", "2", "2")

	// A restart takes nothing away, and writes nothing.
	r.quiet()
	r.writes.reset()
	r.restart()
	r.quiet()
	if writes, n := r.writes.all(); n > 0 {
		t.Errorf("a restart wrote %v", writes)
	}
	r.requiredBy("a", "other-deployment")

	// It follows the workload from member to member.
	r.movePlacement(r.members[1])
	r.patch(r.plane, other, `{"metadata":{"annotations":{"touched":"yes"}}}`)
	r.gone(r.members[0], r.configMap("a", ""))
	if err := r.members[1].Get(t.Context(), client.ObjectKeyFromObject(r.configMap("a", "")), r.configMap("a", "")); err != nil {
		t.Errorf("it left the member that the workload is in: %v", err)
	}

	// What others take out of a binding comes back.
	var b workv1alpha2.ResourceBinding
	b.Namespace, b.Name = r.namespace, "a-configmap"
	r.patch(r.plane, &b, `{"spec":{"requiredBy":null}}`)
	r.requiredBy("a", "other-deployment")

	// One that a policy sends too stays where the policy has it when nothing requires it any more.
	r.movePlacement(r.members...)
	r.policy("own", nil, named("a"))
	r.keys("a", "2", "2")
	r.patch(r.plane, p, `{"spec":{"propagateDeps":false}}`)
	r.requiredBy("a")
	r.eventually("the policy's binding", func(ctx context.Context) error {
		err := r.plane.Get(ctx, client.ObjectKeyFromObject(&b), &b)
		if err == nil && (b.Spec.Placement == nil || len(b.Spec.Clusters) != 2) {
			err = errors.New("it is not placed")
		}
		return err
	})
	r.quiet()
	r.keys("a", "2", "2")
}
