package testbed_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"slices"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/utils/ptr"

	"atoll.dev/atoll/e2e/testbed"
)

const namespace = metav1.NamespaceDefault

func TestMember(t *testing.T) {
	bed, err := testbed.Start(t.Context(), testbed.Options{Audit: true, Progress: t.Output()})
	must(t, err)
	t.Cleanup(func() { must(t, bed.Stop()) })
	member := bed.Members[0]
	client, err := kubernetes.NewForConfig(member.RestConfig)
	must(t, err)

	t.Run("workloads run", func(t *testing.T) { testWorkloads(t, client) })
	t.Run("writes are audited", func(t *testing.T) { testAudit(t, member, client) })
	t.Run("API server killed and started again", func(t *testing.T) {
		must(t, member.APIServer.Kill())
		if _, err := client.CoreV1().Nodes().List(t.Context(), metav1.ListOptions{}); err == nil {
			t.Fatal("a killed API server answered")
		}
		must(t, member.StartAPIServer(t.Context()))
		_, err := client.AppsV1().Deployments(namespace).Get(t.Context(), "web", metav1.GetOptions{})
		must(t, err)
		deploymentReady(t, client, "after-kill", 1)
	})
	t.Run("API server paused and resumed", func(t *testing.T) { testPause(t, member) })
	t.Run("Stop leaves no process and no file", func(t *testing.T) {
		var pids []int
		for _, p := range bed.Processes() {
			pids = append(pids, p.PID())
		}
		if len(pids) != 5 || slices.Contains(pids, 0) {
			t.Fatalf("processes before stopping: %v, want five that run", pids)
		}
		must(t, bed.Stop())
		must(t, gone(pids...)(t.Context()))
		if _, err := os.Stat(bed.Dir); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s: %v, want it removed", bed.Dir, err)
		}
	})
}

func testWorkloads(t *testing.T, client kubernetes.Interface) {
	deploymentReady(t, client, "web", 2)

	_, err := client.AppsV1().Deployments(namespace).Create(t.Context(), deployment("bad", testbed.FakeImagePrefix+"web:1", 1), metav1.CreateOptions{})
	must(t, err)
	eventually(t, "a pod of a fake image to wait for it", func(ctx context.Context) error {
		pods, err := client.CoreV1().Pods(namespace).List(ctx, metav1.ListOptions{LabelSelector: "app=bad"})
		if err != nil {
			return err
		}
		for _, pod := range pods.Items {
			for _, status := range pod.Status.ContainerStatuses {
				if status.State.Waiting != nil && !status.Ready {
					return nil
				}
			}
		}
		return fmt.Errorf("%d pods, none waiting", len(pods.Items))
	})

	job := &batchv1.Job{ObjectMeta: metav1.ObjectMeta{Name: "job"}}
	job.Spec.Template.Spec = corev1.PodSpec{RestartPolicy: corev1.RestartPolicyNever, Containers: []corev1.Container{{Name: "c", Image: "busybox"}}}
	_, err = client.BatchV1().Jobs(namespace).Create(t.Context(), job, metav1.CreateOptions{})
	must(t, err)
	eventually(t, "the job to complete", func(ctx context.Context) error {
		job, err := client.BatchV1().Jobs(namespace).Get(ctx, "job", metav1.GetOptions{})
		if err == nil && job.Status.Succeeded != 1 {
			err = fmt.Errorf("status %+v", job.Status)
		}
		return err
	})

	must(t, client.AppsV1().Deployments(namespace).Delete(t.Context(), "bad", metav1.DeleteOptions{}))
	eventually(t, "the pods of a deleted deployment to go", func(ctx context.Context) error {
		pods, err := client.CoreV1().Pods(namespace).List(ctx, metav1.ListOptions{LabelSelector: "app=bad"})
		if err == nil && len(pods.Items) > 0 {
			err = fmt.Errorf("%d pods", len(pods.Items))
		}
		return err
	})
}

func testAudit(t *testing.T, member *testbed.Member, client kubernetes.Interface) {
	mark, err := member.AuditMark()
	must(t, err)
	configMaps := client.CoreV1().ConfigMaps(namespace)
	object := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "audited"}}
	_, err = configMaps.Create(t.Context(), object, metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}})
	must(t, err)
	_, err = configMaps.Create(t.Context(), object, metav1.CreateOptions{})
	must(t, err)
	_, err = configMaps.Create(t.Context(), object, metav1.CreateOptions{})
	if err == nil {
		t.Fatal("created twice")
	}
	_, err = configMaps.Get(t.Context(), "audited", metav1.GetOptions{})
	must(t, err)

	writes, err := member.WritesSince(mark)
	must(t, err)
	var got []string
	for _, w := range writes {
		got = append(got, fmt.Sprintf("%s %s %s/%s by %s: %d", w.Verb, w.Resource, w.Namespace, w.Name, w.User, w.Code))
	}
	want := []string{
		"create configmaps default/audited by member-admin: 201",
		"create configmaps default/audited by member-admin: 409",
	}
	if !slices.Equal(got, want) {
		t.Errorf("writes recorded: %q\nwant: %q", got, want)
	}
}

func testPause(t *testing.T, member *testbed.Member) {
	must(t, member.APIServer.Pause())
	config := rest.CopyConfig(member.RestConfig)
	config.Timeout = 500 * time.Millisecond
	client, err := kubernetes.NewForConfig(config)
	must(t, err)
	_, err = client.CoreV1().Nodes().List(t.Context(), metav1.ListOptions{})
	var network net.Error
	if !errors.As(err, &network) || !network.Timeout() {
		t.Errorf("asking a paused API server: %v, want a timeout", err)
	}
	must(t, member.StartAPIServer(t.Context()))
	_, err = client.CoreV1().Nodes().List(t.Context(), metav1.ListOptions{})
	must(t, err)
}

func deployment(name, image string, replicas int32) *appsv1.Deployment {
	labels := map[string]string{"app": name}
	return &appsv1.Deployment{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		Spec: appsv1.DeploymentSpec{
			Replicas: ptr.To(replicas),
			Selector: &metav1.LabelSelector{MatchLabels: labels},
			Template: corev1.PodTemplateSpec{
				ObjectMeta: metav1.ObjectMeta{Labels: labels},
				Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "c", Image: image}}},
			},
		},
	}
}

func deploymentReady(t *testing.T, client kubernetes.Interface, name string, replicas int32) {
	t.Helper()
	_, err := client.AppsV1().Deployments(namespace).Create(t.Context(), deployment(name, "nginx", replicas), metav1.CreateOptions{})
	must(t, err)
	eventually(t, "deployment "+name, func(ctx context.Context) error {
		d, err := client.AppsV1().Deployments(namespace).Get(ctx, name, metav1.GetOptions{})
		if err == nil && d.Status.ReadyReplicas != replicas {
			err = fmt.Errorf("%d of %d replicas are ready", d.Status.ReadyReplicas, replicas)
		}
		return err
	})
}
