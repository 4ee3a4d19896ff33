package rescheduling

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	appsv1alpha1 "github.com/karmada-io/karmada/pkg/apis/apps/v1alpha1"
	policyv1alpha1 "github.com/karmada-io/karmada/pkg/apis/policy/v1alpha1"
	karmadaclient "github.com/karmada-io/karmada/pkg/generated/clientset/versioned"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
	"k8s.io/utils/ptr"

	"atoll.dev/atoll/e2e/testbed"
)

// timeout bounds waits; a decision is left to settle for 30s before pods count as stuck.
const timeout = 2 * time.Minute

const configuration = `
apiVersion: config.atoll.dev/v1alpha1
kind: ServerConfiguration
scheduler:
  descheduler: {dwell: 2s, avoid: 1h}
`

// decisions is the annotation scheduler.atoll.dev/decisions, the newest first.
type decisions []struct{ Cause, Moved string }

// TestStuckPodsGoElsewhere cordons the only node of a member and deletes the pods on
// it: their successors are unschedulable, until a decision places them in the other
// member. They return when a WorkloadRebalancer asks for a fresh decision.
func TestStuckPodsGoElsewhere(t *testing.T) {
	bed, err := testbed.Start(t.Context(), testbed.Options{Members: 2, Progress: os.Stderr})
	must(t, err)
	t.Cleanup(func() { must(t, bed.Stop()) })
	file := filepath.Join(t.TempDir(), "atolld.yaml")
	must(t, os.WriteFile(file, []byte(configuration), 0o600))
	atoll, err := testbed.StartAtoll(t.Context(), testbed.AtollOptions{ExtraArgs: []string{"--config", file}})
	must(t, err)
	t.Cleanup(func() { must(t, atoll.Close()) })
	kube, err := kubernetes.NewForConfig(atoll.RestConfig)
	must(t, err)
	karmada, err := karmadaclient.NewForConfig(atoll.RestConfig)
	must(t, err)
	for _, m := range bed.Members {
		must(t, atoll.CLI(t.Context(), "join", m.Name, "--cluster-kubeconfig", m.Kubeconfig, "--wait").Err())
	}
	first, err := kubernetes.NewForConfig(bed.Members[0].RestConfig)
	must(t, err)

	at := func(want map[string]int32, why *decisions) func(context.Context) error {
		return func(ctx context.Context) error {
			b, err := karmada.WorkV1alpha2().ResourceBindings("default").Get(ctx, "web-deployment", metav1.GetOptions{})
			if err != nil {
				return err
			}
			got := map[string]int32{}
			for _, target := range b.Spec.Clusters {
				got[target.Name] = target.Replicas
			}
			if fmt.Sprint(got) != fmt.Sprint(want) {
				return fmt.Errorf("placed %v, want %v", got, want)
			}
			return json.Unmarshal([]byte(b.Annotations["scheduler.atoll.dev/decisions"]), why)
		}
	}
	placed := func(want map[string]int32) (why decisions) {
		t.Helper()
		must(t, testbed.Eventually(t.Context(), timeout, "the placement", at(want, &why)))
		return why
	}
	available := func(replicas int32) {
		t.Helper()
		must(t, testbed.Eventually(t.Context(), timeout, "the replicas to run", func(ctx context.Context) error {
			d, err := kube.AppsV1().Deployments("default").Get(ctx, "web", metav1.GetOptions{})
			if err == nil && d.Status.AvailableReplicas != replicas {
				err = fmt.Errorf("%d replicas run, want %d", d.Status.AvailableReplicas, replicas)
			}
			return err
		}))
	}

	_, err = karmada.PolicyV1alpha1().PropagationPolicies("default").Create(t.Context(), policy(), metav1.CreateOptions{})
	must(t, err)
	_, err = kube.AppsV1().Deployments("default").Create(t.Context(), deployment(), metav1.CreateOptions{})
	must(t, err)
	placed(map[string]int32{"member1": 3, "member2": 3})
	available(6)

	nodes, err := first.CoreV1().Nodes().List(t.Context(), metav1.ListOptions{})
	must(t, err)
	cordon := func(yes bool) {
		t.Helper()
		_, err := first.CoreV1().Nodes().Patch(t.Context(), nodes.Items[0].Name, types.MergePatchType, fmt.Appendf(nil, `{"spec":{"unschedulable":%t}}`, yes), metav1.PatchOptions{})
		must(t, err)
	}
	cordon(true)
	must(t, first.CoreV1().Pods("default").DeleteCollection(t.Context(), metav1.DeleteOptions{}, metav1.ListOptions{LabelSelector: "app=web"}))
	why := placed(map[string]int32{"member2": 6})
	if want := "3 replicas were unschedulable in cluster member1 for 2s or longer"; why[0].Cause != want || why[0].Moved != "+member2:3 -member1:3" {
		t.Errorf("moved because %+v, want %q", why[0], want)
	}
	available(6)

	// The scheduler may be asked before it has heard of the node: ask again, then.
	cordon(false)
	asked := 0
	must(t, testbed.Eventually(t.Context(), timeout, "the replicas to return", func(ctx context.Context) error {
		asked++
		_, err := karmada.AppsV1alpha1().WorkloadRebalancers().Create(ctx, &appsv1alpha1.WorkloadRebalancer{
			ObjectMeta: metav1.ObjectMeta{Name: fmt.Sprintf("uncordoned-%d", asked)},
			Spec: appsv1alpha1.WorkloadRebalancerSpec{Workloads: []appsv1alpha1.ObjectReference{
				{APIVersion: "apps/v1", Kind: "Deployment", Namespace: "default", Name: "web"},
			}},
		}, metav1.CreateOptions{})
		if err != nil {
			return err
		}
		return testbed.Eventually(ctx, 3*time.Second, "the placement", at(map[string]int32{"member1": 3, "member2": 3}, &why))
	}))
	if want := fmt.Sprintf("WorkloadRebalancer uncordoned-%d asked for it", asked); why[0].Cause != want {
		t.Errorf("moved because %+v, want %q", why[0], want)
	}
	available(6)
}

func policy() *policyv1alpha1.PropagationPolicy {
	return &policyv1alpha1.PropagationPolicy{
		ObjectMeta: metav1.ObjectMeta{Name: "web"},
		Spec: policyv1alpha1.PropagationSpec{
			ResourceSelectors: []policyv1alpha1.ResourceSelector{{APIVersion: "apps/v1", Kind: "Deployment", Name: "web"}},
			Placement: policyv1alpha1.Placement{ReplicaScheduling: &policyv1alpha1.ReplicaSchedulingStrategy{
				ReplicaSchedulingType:     policyv1alpha1.ReplicaSchedulingTypeDivided,
				ReplicaDivisionPreference: policyv1alpha1.ReplicaDivisionPreferenceWeighted,
				WeightPreference:          &policyv1alpha1.ClusterPreferences{DynamicWeight: policyv1alpha1.DynamicWeightByAvailableReplicas},
			}},
		},
	}
}

func deployment() *appsv1.Deployment {
	labels := map[string]string{"app": "web"}
	return &appsv1.Deployment{
		ObjectMeta: metav1.ObjectMeta{Name: "web"},
		Spec: appsv1.DeploymentSpec{
			Replicas: ptr.To[int32](6),
			Selector: &metav1.LabelSelector{MatchLabels: labels},
			Template: corev1.PodTemplateSpec{
				ObjectMeta: metav1.ObjectMeta{Labels: labels},
				Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "web", Image: "nginx"}}},
			},
		},
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
