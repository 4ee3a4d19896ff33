package foundation

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	workv1alpha2 "github.com/karmada-io/karmada/pkg/apis/work/v1alpha2"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"atoll.dev/atoll/e2e/testbed"
)

const manifests = `
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 1
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web, image: nginx}]}
---
apiVersion: policy.karmada.io/v1alpha1
kind: PropagationPolicy
metadata: {name: web}
spec:
  resourceSelectors: [{apiVersion: apps/v1, kind: Deployment, name: web}]
  placement: {clusterAffinity: {clusterNames: [member1, member2]}}
`

// TestKubectl runs, in order, what a user types.
func TestKubectl(t *testing.T) {
	namespace := newNamespace(t)
	kubectl, err := testbed.Kubectl(fleet.atoll.Kubeconfig)
	must(t, err)
	for _, step := range []struct {
		args  string
		stdin string
		wants []string
	}{
		{args: "apply --server-side -f -", stdin: manifests, wants: []string{"deployment.apps/web serverside-applied", "propagationpolicy.policy.karmada.io/web serverside-applied"}},
		{args: "apply --server-side -f -", stdin: manifests, wants: []string{"deployment.apps/web serverside-applied"}},
		{args: "wait --for=jsonpath={.status.readyReplicas}=2 --timeout=60s deploy/web", wants: []string{"condition met"}},
		{args: "wait --for=create --timeout=60s rb/web-deployment"},
		{args: "wait --for=condition=Scheduled --timeout=60s rb/web-deployment", wants: []string{"condition met"}},
		{args: "wait --for=condition=FullyApplied --timeout=60s rb/web-deployment", wants: []string{"condition met"}},
		{args: "get pp", wants: []string{"NAME", "CONFLICT-RESOLUTION", "PRIORITY", "AGE", "web"}},
		{args: "get rb", wants: []string{"SCHEDULED", "FULLYAPPLIED", "AGE", "web-deployment", "True"}},
		{args: "get work -n karmada-es-member1", wants: []string{"WORKLOAD-KIND", "APPLIED", "AGE"}},
		{args: "get clusters", wants: []string{"VERSION", "MODE", "READY", "AGE", "member1", "v1.35.4", "Push", "True"}},
		{args: "get pp,cpp,rb,crb,work,clusters -A", wants: []string{"propagationpolicy.policy.karmada.io/web", "resourcebinding.work.karmada.io/web-deployment", "cluster.cluster.karmada.io/member3"}},
		{args: "get deploy web -o jsonpath={.status.availableReplicas}", wants: []string{"2"}},
		{args: "explain pp.spec.placement", wants: []string{"clusterAffinity", "replicaScheduling", "Placement represents"}},
		{args: "explain cluster.spec.syncMode", wants: []string{"SyncMode describes"}},
		{args: "api-resources --api-group=policy.karmada.io", wants: []string{"pp", "cpp", "op", "cop"}},
		{args: "diff --server-side -f -", stdin: manifests},
		{args: "label deploy web team=blue", wants: []string{"labeled"}},
		{args: "scale deploy web --replicas=2", wants: []string{"scaled"}},
		{args: "wait --for=jsonpath={.status.readyReplicas}=4 --timeout=60s deploy/web", wants: []string{"condition met"}},
		{args: "delete deploy web --wait", wants: []string{"deleted"}},
		{args: "wait --for=delete --timeout=60s rb/web-deployment"},
		{args: "delete pp web", wants: []string{"deleted"}},
	} {
		t.Run(strings.ReplaceAll(step.args, "/", " "), func(t *testing.T) {
			args := strings.Fields(step.args)
			if !strings.Contains(step.args, "-n ") && !strings.Contains(step.args, "-A") {
				args = append(args, "-n", namespace)
			}
			r := kubectl.WithStdin(step.stdin).Run(t.Context(), args...)
			must(t, r.Err())
			for _, want := range step.wants {
				if !strings.Contains(r.Stdout, want) {
					t.Errorf("no %q in:\n%s", want, r.Stdout)
				}
			}
		})
	}
}

// TestKarmadactl joins the spare member with Karmada's own tool, propagates to
// it and lets it go.
func TestKarmadactl(t *testing.T) {
	karmadactl, err := testbed.Karmadactl(fleet.atoll.Kubeconfig)
	must(t, err)
	m := fleet.spare
	must(t, karmadactl.Run(t.Context(), "join", m.Name, "--cluster-kubeconfig", m.Kubeconfig).Err())
	left := false
	t.Cleanup(func() {
		if !left {
			unjoin(m.Name)
		}
	})
	must(t, awaitReady(t.Context(), m.Member))

	namespace := newNamespace(t)
	createPolicy(t, namespace, policy("web", duplicated(m.Name), selectKind("apps/v1", "Deployment")))
	_, err = fleet.plane.kube.AppsV1().Deployments(namespace).Create(t.Context(), deployment("web", 1), metav1.CreateOptions{})
	must(t, err)
	eventually(t, "the deployment in a member joined by karmadactl", runs(m, namespace, "web", 1))
	eventually(t, "its status", statusIs(namespace, "web", 1))

	for args, want := range map[string]string{
		"get clusters":                                m.Name,
		"get deployments -n " + namespace:             "web",
		"get rb -n " + namespace:                      "web-deployment",
		"get deployment/web -n " + namespace:          "web",
		"get clusters -o name":                        "cluster.cluster.karmada.io/" + m.Name,
		"get pp -o jsonpath={..name} -n " + namespace: "web",
	} {
		r := karmadactl.Run(t.Context(), strings.Fields(args)...)
		if err := r.Err(); err != nil {
			t.Error(err)
		} else if !strings.Contains(r.Stdout, want) {
			t.Errorf("karmadactl %s: no %q in:\n%s", args, want, r.Stdout)
		}
	}

	// What goes to the member itself passes the cluster proxy, by the identity that karmadactl made there.
	eventually(t, "karmadactl to see into the member", func(ctx context.Context) error {
		for args, want := range map[string]string{
			"get nodes --operation-scope members -C " + m.Name:                        m.Name + "-node1",
			"get deployments --operation-scope all -C " + m.Name + " -n " + namespace: "web",
		} {
			r := karmadactl.Run(ctx, strings.Fields(args)...)
			if err := r.Err(); err != nil {
				return err
			}
			if !strings.Contains(r.Stdout, want) {
				return fmt.Errorf("karmadactl %s: no %q in:\n%s", args, want, r.Stdout)
			}
		}
		return nil
	})

	must(t, karmadactl.Run(t.Context(), "unjoin", m.Name, "--cluster-kubeconfig", m.Kubeconfig).Err())
	left = true
	_, err = fleet.plane.karmada.ClusterV1alpha1().Clusters().Get(t.Context(), m.Name, metav1.GetOptions{})
	if !apierrors.IsNotFound(err) {
		t.Errorf("the cluster after unjoin: %v, want it gone", err)
	}
	eventually(t, "the member to be free of the control plane", func(context.Context) error { return same(traces(t, m), nil) })
}

// TestClientset uses Karmada's generated Go client as a program would: create a
// policy, watch the binding until it is applied, read the aggregated status,
// patch, list with a selector and delete.
func TestClientset(t *testing.T) {
	namespace := newNamespace(t)
	client := fleet.plane.karmada
	bindings := client.WorkV1alpha2().ResourceBindings(namespace)
	watcher, err := bindings.Watch(t.Context(), metav1.ListOptions{})
	must(t, err)
	defer watcher.Stop()

	p := policy("web", duplicated(), selectKind("apps/v1", "Deployment"))
	p.Labels = map[string]string{"team": "blue"}
	createPolicy(t, namespace, p)
	_, err = fleet.plane.kube.AppsV1().Deployments(namespace).Create(t.Context(), deployment("web", 1), metav1.CreateOptions{})
	must(t, err)

	ctx, cancel := context.WithTimeout(t.Context(), timeout)
	defer cancel()
	healthy := func(b *workv1alpha2.ResourceBinding) bool {
		n := 0
		for _, item := range b.Status.AggregatedStatus {
			if item.Applied && item.Health == workv1alpha2.ResourceHealthy && item.Status != nil {
				n++
			}
		}
		return n == joined && holds(b.Status.Conditions, workv1alpha2.FullyApplied)
	}
	for seen := false; !seen; {
		select {
		case event, ok := <-watcher.ResultChan():
			if !ok {
				t.Fatal("the watch ended")
			}
			b, isBinding := event.Object.(*workv1alpha2.ResourceBinding)
			seen = isBinding && healthy(b)
		case <-ctx.Done():
			b, err := bindings.Get(t.Context(), "web-deployment", metav1.GetOptions{})
			t.Fatalf("watching the binding: never applied and healthy in %d members; it is %+v, %v", joined, b, err)
		}
	}

	policies := client.PolicyV1alpha1().PropagationPolicies(namespace)
	patched, err := policies.Patch(t.Context(), "web", types.MergePatchType, []byte(`{"spec":{"priority":7}}`), metav1.PatchOptions{})
	must(t, err)
	if patched.Spec.Priority == nil || *patched.Spec.Priority != 7 {
		t.Errorf("priority after the patch: %v, want 7", patched.Spec.Priority)
	}
	for selector, want := range map[string]int{"team=blue": 1, "team=red": 0} {
		list, err := policies.List(t.Context(), metav1.ListOptions{LabelSelector: selector})
		must(t, err)
		if len(list.Items) != want {
			t.Errorf("policies with %s: %d, want %d", selector, len(list.Items), want)
		}
	}
	must(t, policies.DeleteCollection(t.Context(), metav1.DeleteOptions{}, metav1.ListOptions{}))
	eventually(t, "the policy to go", func(ctx context.Context) error {
		_, err := policies.Get(ctx, "web", metav1.GetOptions{})
		if apierrors.IsNotFound(err) {
			return nil
		}
		return fmt.Errorf("still there: %v", err)
	})

	clusters, err := client.ClusterV1alpha1().Clusters().List(t.Context(), metav1.ListOptions{})
	must(t, err)
	for _, c := range clusters.Items {
		if c.Status.KubernetesVersion != "v1.35.4" || len(c.Status.APIEnablements) == 0 || c.Status.NodeSummary == nil || c.Status.NodeSummary.ReadyNum != 1 {
			t.Errorf("status of %s: version %q, %d enablements, nodes %+v", c.Name, c.Status.KubernetesVersion, len(c.Status.APIEnablements), c.Status.NodeSummary)
		}
	}
}

// TestCLI covers what of atoll the other tests do not use.
func TestCLI(t *testing.T) {
	namespace := newNamespace(t)
	path := write(t, t.TempDir(), "web.yaml", manifests)
	for _, test := range []struct {
		args  []string
		wants []string
	}{
		{[]string{"apply", "-f", path, "-n", namespace}, []string{"web"}},
		{[]string{"get", "pp", "-n", namespace}, []string{"web"}},
		{[]string{"get", "clusters", "-o", "name"}, []string{"member1", "member2", "member3"}},
		{[]string{"get", "deploy", "web", "-n", namespace, "--context", "atoll", "--kubeconfig", fleet.atoll.Kubeconfig}, []string{"web"}},
		{[]string{"version"}, []string{"v"}},
		{[]string{"completion", "bash"}, []string{"atoll"}},
		{[]string{"help"}, []string{"join", "unjoin", "get", "apply", "status", "version", "completion"}},
	} {
		began := time.Now()
		r := fleet.atoll.CLI(t.Context(), test.args...)
		if err := r.Err(); err != nil {
			t.Error(err)
			continue
		}
		for _, want := range test.wants {
			if !strings.Contains(r.Stdout, want) {
				t.Errorf("%v: no %q in:\n%s", r.Command, want, r.Stdout)
			}
		}
		t.Logf("%v: %s", test.args, time.Since(began))
	}
}
