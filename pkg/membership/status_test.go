package membership_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	clusterv1alpha1 "github.com/karmada-io/karmada/pkg/apis/cluster/v1alpha1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"atoll.dev/atoll/pkg/membership"
	"atoll.dev/atoll/pkg/membership/identity"
)

// quick makes a flapping member's way through its thresholds short enough for a test.
var quick = membership.Options{ProbeInterval: 200 * time.Millisecond, FailureThreshold: time.Second, SuccessThreshold: time.Second}

func TestJoinMakesAMemberReadyInASecond(t *testing.T) {
	p, m := sharedPlane(t)
	req := p.request(t, m.name, m.n)
	p.join(t, req)
	joined := time.Now()
	eventually(t, 5*time.Second, func(context.Context) error { return ready(p.cluster(t, m.name)) })
	if took := time.Since(joined); took > time.Second {
		t.Errorf("Ready %s after joining, want at most 1s", took)
	}
	eventually(t, 5*time.Second, func(context.Context) error {
		if c := p.cluster(t, m.name); len(c.Spec.Taints) > 0 {
			return fmt.Errorf("a Ready cluster has taints %v", c.Spec.Taints)
		}
		return nil
	})
	c := p.cluster(t, m.name)
	if !slices.Contains(c.Finalizers, "karmada.io/cluster-controller") {
		t.Errorf("finalizers are %v", c.Finalizers)
	}
	if c.Status.KubernetesVersion == "" || c.Status.NodeSummary == nil || c.Status.NodeSummary.ReadyNum < 1 {
		t.Errorf("version %q, nodes %+v", c.Status.KubernetesVersion, c.Status.NodeSummary)
	}
	if c.Status.ResourceSummary == nil || c.Status.ResourceSummary.Allocatable.Cpu().IsZero() {
		t.Errorf("resources are %+v", c.Status.ResourceSummary)
	}
	apps := slices.ContainsFunc(c.Status.APIEnablements, func(e clusterv1alpha1.APIEnablement) bool {
		return e.GroupVersion == "apps/v1" && slices.Contains(e.Resources, clusterv1alpha1.APIResource{Name: "deployments", Kind: "Deployment"})
	})
	if !apps || !meta.IsStatusConditionTrue(c.Status.Conditions, clusterv1alpha1.ClusterConditionCompleteAPIEnablements) {
		t.Errorf("apps/v1 deployments are not among the API enablements, conditions %v", c.Status.Conditions)
	}
	ns, err := p.kube.CoreV1().Namespaces().Get(t.Context(), "karmada-es-"+m.name, metav1.GetOptions{})
	must(t, err)
	if ns.Labels["karmada.io/system"] != "true" {
		t.Errorf("the execution namespace's labels are %v", ns.Labels)
	}
}

// Nothing happens in the member, so nothing is written to the control plane: not while probing, not on a restart.
func TestAnIdleMemberCausesNoWrite(t *testing.T) {
	p := newPlane(t)
	stop := p.run(t, quick)
	req := p.request(t, "m1", 1)
	p.join(t, req)
	eventually(t, 5*time.Second, func(context.Context) error {
		if c := p.cluster(t, "m1"); len(c.Spec.Taints) > 0 {
			return fmt.Errorf("taints %v", c.Spec.Taints)
		}
		return ready(p.cluster(t, "m1"))
	})
	before := p.cluster(t, "m1")
	unchangedFor(t, 3*time.Second, p, before)
	stop()
	p.run(t, quick)
	unchangedFor(t, 3*time.Second, p, before)
	p.leave(t, req)
}

func unchangedFor(t *testing.T, d time.Duration, p *plane, before *clusterv1alpha1.Cluster) {
	t.Helper()
	for end := time.Now().Add(d); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		if c := p.cluster(t, before.Name); c.ResourceVersion != before.ResourceVersion {
			t.Fatalf("an idle member's Cluster was written to:\nbefore %+v\nafter  %+v", before, c)
		}
	}
}

func TestALostMemberComesBackAndDisturbsNobody(t *testing.T) {
	p := sharedPlaneAlone(t)
	for name, mode := range map[string]linkMode{"its API server is gone": refuses, "its API server hangs": hangs} {
		t.Run(name, func(t *testing.T) {
			req := p.request(t, "lost", 1)
			var l *link
			l, req.Member = linkTo(t, req.Member)
			p.join(t, req)
			p.join(t, p.request(t, "well", 2))
			for _, m := range []string{"lost", "well"} {
				eventually(t, 5*time.Second, func(context.Context) error { return ready(p.cluster(t, m)) })
			}
			l.set(mode)
			eventually(t, 30*time.Second, func(context.Context) error {
				c := p.cluster(t, "lost")
				cond := meta.FindStatusCondition(c.Status.Conditions, clusterv1alpha1.ClusterConditionReady)
				if cond.Status != metav1.ConditionFalse || cond.Reason != "ClusterNotReachable" || cond.Message != "cluster is not reachable" {
					return fmt.Errorf("Ready is %+v", cond)
				}
				if !slices.ContainsFunc(c.Spec.Taints, func(t corev1.Taint) bool {
					return t.Key == clusterv1alpha1.TaintClusterNotReady && t.Effect == corev1.TaintEffectNoSchedule
				}) {
					return fmt.Errorf("taints are %v", c.Spec.Taints)
				}
				return nil
			})
			must(t, ready(p.cluster(t, "well")))
			// The other member is still observed at its pace.
			addPod(t, 2)
			eventually(t, 10*time.Second, func(context.Context) error {
				got := p.cluster(t, "well").Status.ResourceSummary.Allocated
				if got.Cpu().Cmp(resource.MustParse("123m")) != 0 {
					return fmt.Errorf("allocated is %v", got)
				}
				return nil
			})
			l.set(passes)
			eventually(t, 30*time.Second, func(context.Context) error {
				c := p.cluster(t, "lost")
				if len(c.Spec.Taints) > 0 {
					return fmt.Errorf("taints are %v", c.Spec.Taints)
				}
				return ready(c)
			})
		})
	}
}

// addPod puts a pod with known requests on a node of the cluster.
func addPod(t *testing.T, n int) {
	t.Helper()
	kube, err := clusters.Kube(n)
	must(t, err)
	nodes, err := kube.CoreV1().Nodes().List(t.Context(), metav1.ListOptions{})
	must(t, err)
	if len(nodes.Items) == 0 {
		t.Fatal("the cluster has no nodes")
	}
	pods := kube.CoreV1().Pods("default")
	eventually(t, 10*time.Second, func(ctx context.Context) error {
		_, err := kube.CoreV1().ServiceAccounts("default").Get(ctx, "default", metav1.GetOptions{})
		return err
	})
	_, err = pods.Create(t.Context(), &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "counted"}, Spec: corev1.PodSpec{
		NodeName: nodes.Items[0].Name,
		Containers: []corev1.Container{{Name: "c", Image: "none",
			Resources: corev1.ResourceRequirements{Requests: corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("123m")}}}}}}, metav1.CreateOptions{})
	must(t, err)
	now := int64(0)
	t.Cleanup(func() {
		_ = pods.Delete(context.Background(), "counted", metav1.DeleteOptions{GracePeriodSeconds: &now})
	})
}

func TestARevokedCredentialShowsWithItsRemedy(t *testing.T) {
	p, m := sharedPlane(t)
	p.join(t, p.request(t, m.name, m.n))
	eventually(t, 5*time.Second, func(context.Context) error { return ready(p.cluster(t, m.name)) })
	admin, err := clusters.Kube(m.n)
	must(t, err)
	must(t, admin.CoreV1().Secrets("atoll-system").Delete(t.Context(), identity.TokenSecret(identity.Writer(1)), metav1.DeleteOptions{}))
	want := "cluster is reachable but refuses the control plane's credential; run: atoll join " + m.name + " --cluster-kubeconfig FILE"
	eventually(t, 40*time.Second, func(context.Context) error {
		cond := meta.FindStatusCondition(p.cluster(t, m.name).Status.Conditions, clusterv1alpha1.ClusterConditionReady)
		if cond.Status != metav1.ConditionFalse || cond.Message != want {
			return fmt.Errorf("Ready is %+v", cond)
		}
		return nil
	})
}

func TestAMissingSecretShows(t *testing.T) {
	p, _ := sharedPlane(t)
	c := &clusterv1alpha1.Cluster{ObjectMeta: metav1.ObjectMeta{Name: "bare"}, Spec: clusterv1alpha1.ClusterSpec{SyncMode: clusterv1alpha1.Push,
		APIEndpoint: "https://127.0.0.1:1", SecretRef: &clusterv1alpha1.LocalSecretReference{Namespace: "karmada-cluster", Name: "bare"}}}
	must(t, p.client.Create(t.Context(), c))
	t.Cleanup(func() { _ = p.client.Delete(context.Background(), c) })
	eventually(t, 5*time.Second, func(context.Context) error {
		cond := meta.FindStatusCondition(p.cluster(t, "bare").Status.Conditions, clusterv1alpha1.ClusterConditionReady)
		if cond == nil || cond.Reason != "StatusCollectionFailed" {
			return fmt.Errorf("Ready is %+v", cond)
		}
		return nil
	})
	must(t, p.client.Delete(t.Context(), c))
	eventually(t, 20*time.Second, func(ctx context.Context) error {
		if err := p.client.Get(ctx, client.ObjectKeyFromObject(c), c); !apierrors.IsNotFound(err) {
			return fmt.Errorf("the Cluster remains (%v)", err)
		}
		if _, err := p.kube.CoreV1().Namespaces().Get(ctx, "karmada-es-bare", metav1.GetOptions{}); !apierrors.IsNotFound(err) {
			return fmt.Errorf("the execution namespace remains (%v)", err)
		}
		return nil
	})
}
