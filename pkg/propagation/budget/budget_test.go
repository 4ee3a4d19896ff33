package budget

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	policyv1alpha1 "github.com/karmada-io/karmada/pkg/apis/policy/v1alpha1"
	workv1alpha2 "github.com/karmada-io/karmada/pkg/apis/work/v1alpha2"
	"golang.org/x/sync/errgroup"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"atoll.dev/atoll/pkg/propagation"
)

const namespace = "shop"

func deployment(name string) *appsv1.Deployment {
	labels := map[string]string{"app": name}
	return &appsv1.Deployment{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name, Labels: labels},
		Spec: appsv1.DeploymentSpec{
			Replicas: ptr.To[int32](2), Selector: &metav1.LabelSelector{MatchLabels: labels},
			Template: corev1.PodTemplateSpec{
				ObjectMeta: metav1.ObjectMeta{Labels: labels},
				Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "web", Image: "nginx"}}},
			},
		},
	}
}

// policy sends the Deployment of its own name to the first n members.
func policy(name string, n int) *policyv1alpha1.PropagationPolicy {
	var to []string
	for i := range n {
		to = append(to, memberName(i))
	}
	return &policyv1alpha1.PropagationPolicy{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name},
		Spec: policyv1alpha1.PropagationSpec{
			ResourceSelectors: []policyv1alpha1.ResourceSelector{{APIVersion: "apps/v1", Kind: "Deployment", Name: name}},
			Placement:         policyv1alpha1.Placement{ClusterAffinity: &policyv1alpha1.ClusterAffinity{ClusterNames: to}},
		},
	}
}

func (p *plane) fullyApplied(name string) {
	p.t.Helper()
	p.eventually("fully applied", func(ctx context.Context) error {
		var b workv1alpha2.ResourceBinding
		if err := p.client.Get(ctx, types.NamespacedName{Namespace: namespace, Name: name + "-deployment"}, &b); err != nil {
			return err
		}
		if !meta.IsStatusConditionTrue(b.Status.Conditions, workv1alpha2.FullyApplied) {
			return fmt.Errorf("conditions %v", b.Status.Conditions)
		}
		return nil
	})
}

// What is stored, revisions that are replaced included, for one small Deployment until it is known
// to be applied everywhere. Measured: 8,650 bytes (the claimed template 1,400, the binding, which is
// written three times, the rest) and 8,250 for each member (the Work 3,600, again with its status
// 4,400, an item in the binding's status 250); names and addresses of other lengths need some room.
// Of a Work a fifth is the manifest; the rest says where it comes from and who owns which field.
const (
	bytesOfTemplate = 9_000
	bytesOfMember   = 8_500
)

func TestBudget(t *testing.T) {
	if testing.Short() {
		t.Skip("needs API servers")
	}
	p := startPlane(t)
	p.create(&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: namespace}})
	// The namespace's and the kind's first use in a member are not counted.
	p.create(policy("first", memberCount))
	p.create(deployment("first"))
	p.fullyApplied("first")
	p.ledger.quiet(t)
	for n := 1; n <= memberCount; n++ {
		t.Run(fmt.Sprintf("a new Deployment in %d members", n), func(t *testing.T) { p.newTemplate(t, n) })
	}
	t.Run("members' status changes", func(t *testing.T) { p.changes(t, fmt.Sprint("web", memberCount)) })
	t.Run("a restart", p.restart)
}

// newTemplate: the claim, the binding and its placement, and for each member a Work and its status;
// and when it is present everywhere one write that says so.
func (p *plane) newTemplate(t *testing.T, n int) {
	name := fmt.Sprintf("web%d", n)
	p.create(policy(name, n))
	from := p.ledger.quiet(t)
	p.create(deployment(name))
	p.fullyApplied(name)
	all := slices.DeleteFunc(p.ledger.between(from, p.ledger.quiet(t)), func(e entry) bool { return e.created && e.resource == "deployments" })
	t.Log(all)
	// 3 + 2n until it is present everywhere, and one that says that it is.
	if most := 3 + 2*n + 1; len(all) > most {
		t.Errorf("until it is known to be in %d members: %s; want at most %d writes", n, all, most)
	}
	for what, most := range map[string]int{
		"deployments": 1, "work.karmada.io/resourcebindings": 3, "work.karmada.io/works": 2 * n,
	} {
		if some := all.of(what, ""); len(some) > most {
			t.Errorf("%s; want at most %d of %s", some, most, what)
		}
	}
	if most := bytesOfTemplate + n*bytesOfMember; all.bytes() > most {
		t.Errorf("until it is applied in %d members: %s; want at most %d bytes", n, all, most)
	}
}

// changes: however often members change a status, it is written once a settle window.
func (p *plane) changes(t *testing.T, name string) {
	const rounds = 150
	from := p.ledger.quiet(t)
	began := time.Now()
	var changing errgroup.Group
	for _, m := range p.members {
		changing.Go(func() error {
			for i := range rounds {
				d := &appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name}}
				patch := fmt.Sprintf(`{"status":{"observedGeneration":1,"replicas":%d,"updatedReplicas":%[1]d,"unavailableReplicas":%[1]d}}`, i+1)
				if err := m.Status().Patch(t.Context(), d, client.RawPatch(types.MergePatchType, []byte(patch))); err != nil {
					return err
				}
			}
			return nil
		})
	}
	must(t, changing.Wait())
	took := time.Since(began)
	p.eventually("the last status on the template", func(ctx context.Context) error {
		var d appsv1.Deployment
		if err := p.client.Get(ctx, types.NamespacedName{Namespace: namespace, Name: name}, &d); err != nil {
			return err
		}
		if d.Status.Replicas != rounds*memberCount {
			return fmt.Errorf("%d replicas, want %d", d.Status.Replicas, rounds*memberCount)
		}
		return nil
	})
	written := p.ledger.between(from, p.ledger.quiet(t))
	t.Logf("%d changes in %s: %s", rounds*memberCount, took, written)
	// One at the beginning, one in each window that has begun, and one after the end; aggregation has
	// as many and, its changes coming for as long as Works' statuses do, one more.
	windows := int(took/propagation.DefaultSettleWindow) + 3
	perName := map[string]int{}
	for _, e := range written {
		perName[e.resource+" "+e.name]++
	}
	for what, n := range perName {
		if n > windows+1 {
			t.Errorf("%d writes of %s in %s, want at most %d", n, what, took, windows+1)
		}
	}
	if len(perName) != memberCount+2 {
		t.Errorf("written were %s; want the template, its binding and a Work for each member", written)
	}
}

// restart: what is as it should be is not written again, overrides and dependencies included.
func (p *plane) restart(t *testing.T) {
	config := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "settings"}, Data: map[string]string{"k": "v"}}
	needy := deployment("needy")
	needy.Spec.Template.Spec.Volumes = []corev1.Volume{{Name: "settings", VolumeSource: corev1.VolumeSource{
		ConfigMap: &corev1.ConfigMapVolumeSource{LocalObjectReference: corev1.LocalObjectReference{Name: "settings"}},
	}}}
	withDependencies := policy("needy", 2)
	withDependencies.Spec.PropagateDeps = true
	p.create(&policyv1alpha1.OverridePolicy{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "needy"},
		Spec: policyv1alpha1.OverrideSpec{
			ResourceSelectors: withDependencies.Spec.ResourceSelectors,
			OverrideRules: []policyv1alpha1.RuleWithCluster{{
				TargetCluster: &policyv1alpha1.ClusterAffinity{ClusterNames: []string{memberName(0)}},
				Overriders: policyv1alpha1.Overriders{ImageOverrider: []policyv1alpha1.ImageOverrider{
					{Component: policyv1alpha1.Registry, Operator: policyv1alpha1.OverriderOpAdd, Value: "registry.example"},
				}},
			}},
		},
	})
	p.create(config)
	p.create(withDependencies)
	p.create(needy)
	p.fullyApplied("needy")
	for i, image := range []string{"registry.example/nginx", "nginx"} {
		p.eventually("what needy needs, in "+memberName(i), func(ctx context.Context) error {
			var d appsv1.Deployment
			if err := p.members[i].Get(ctx, client.ObjectKeyFromObject(needy), &d); err != nil {
				return err
			}
			if got := d.Spec.Template.Spec.Containers[0].Image; got != image {
				return fmt.Errorf("image %s, want %s", got, image)
			}
			return p.members[i].Get(ctx, client.ObjectKeyFromObject(config), &corev1.ConfigMap{})
		})
	}
	p.ledger.quiet(t)
	before := p.versions(t)

	p.stop()
	p.ledger.quiet(t)
	p.create(policy("after", memberCount))
	p.create(deployment("after"))
	from := p.ledger.mark(t)
	p.startRoles()
	p.fullyApplied("after") // so the roles are at work
	for _, e := range p.ledger.between(from, p.ledger.quiet(t)) {
		if !strings.Contains(e.name, "/after") {
			t.Errorf("the restart wrote %s %s", e.resource, e.name)
		}
	}
	after := p.versions(t)
	maps.DeleteFunc(after, func(what, _ string) bool { return strings.HasSuffix(what, "/after") })
	if !maps.Equal(before, after) {
		t.Errorf("the restart wrote to members: versions were %v, are %v", before, after)
	}
}

// versions returns the resource versions of what members have.
func (p *plane) versions(t *testing.T) map[string]string {
	t.Helper()
	versions := map[string]string{}
	for i, m := range p.members {
		for _, list := range []client.ObjectList{&appsv1.DeploymentList{}, &corev1.ConfigMapList{}} {
			must(t, m.List(t.Context(), list, client.InNamespace(namespace)))
			must(t, meta.EachListItem(list, func(o runtime.Object) error {
				obj := o.(client.Object)
				versions[fmt.Sprintf("%s/%T/%s", memberName(i), obj, obj.GetName())] = obj.GetResourceVersion()
				return nil
			}))
		}
	}
	return versions
}
