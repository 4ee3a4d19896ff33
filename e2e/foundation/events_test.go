package foundation

import (
	"context"
	"fmt"
	"testing"

	workv1alpha2 "github.com/karmada-io/karmada/pkg/apis/work/v1alpha2"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/sets"
)

// TestEvents wants the events by which Karmada's clients follow a template, with its reasons.
func TestEvents(t *testing.T) {
	namespace := newNamespace(t)
	createPolicy(t, namespace, policy("web", duplicated("member1"), selectKind("apps/v1", "Deployment")))
	_, err := fleet.plane.kube.AppsV1().Deployments(namespace).Create(t.Context(), deployment("web", 1), metav1.CreateOptions{})
	must(t, err)
	// A Job says nothing until it runs: its first status comes after the binding's.
	createPolicy(t, namespace, policy("job", duplicated("member1"), selectKind("batch/v1", "Job")))
	pods := podTemplate(map[string]string{"app": "once"})
	pods.Spec.RestartPolicy = corev1.RestartPolicyNever
	_, err = fleet.plane.kube.BatchV1().Jobs(namespace).Create(t.Context(), &batchv1.Job{
		ObjectMeta: metav1.ObjectMeta{Name: "once"}, Spec: batchv1.JobSpec{Template: pods},
	}, metav1.CreateOptions{})
	must(t, err)
	const works = "karmada-es-member1"
	var work string
	eventually(t, "the Work", func(ctx context.Context) error {
		list, err := fleet.plane.karmada.WorkV1alpha1().Works(works).List(ctx, metav1.ListOptions{})
		if err != nil {
			return err
		}
		for _, w := range list.Items {
			if w.Annotations[workv1alpha2.ResourceBindingNamespaceAnnotationKey] == namespace && w.Annotations[workv1alpha2.ResourceBindingNameAnnotationKey] == "web-deployment" {
				work = w.Name
				return nil
			}
		}
		return fmt.Errorf("none of %d belongs to the namespace", len(list.Items))
	})
	for _, test := range []struct {
		namespace, kind, name string
		reasons               []string
	}{
		{namespace, "Deployment", "web", []string{"ApplyPolicySucceed", "GetReplicasSucceed", "ScheduleBindingSucceed", "SyncWorkSucceed", "AggregateStatusSucceed"}},
		{namespace, "Job", "once", []string{"AggregateStatusSucceed"}},
		{namespace, "ResourceBinding", "web-deployment", []string{"ScheduleBindingSucceed", "SyncWorkSucceed", "AggregateStatusSucceed"}},
		{works, "Work", work, []string{"WorkDispatching", "SyncSucceed", "ReflectStatusSucceed", "InterpretHealthSucceed"}},
	} {
		eventually(t, "the events of "+test.kind+" "+test.name, func(ctx context.Context) error {
			events, err := fleet.plane.kube.CoreV1().Events(test.namespace).List(ctx, metav1.ListOptions{
				FieldSelector: "involvedObject.kind=" + test.kind + ",involvedObject.name=" + test.name,
			})
			if err != nil {
				return err
			}
			missing := sets.New(test.reasons...)
			for _, event := range events.Items {
				missing.Delete(event.Reason)
			}
			if missing.Len() > 0 {
				return fmt.Errorf("none of %v", sets.List(missing))
			}
			return nil
		})
	}
}

// TestNoFalseAlarm propagates many templates and wants no warning on the way: nothing is wrong.
func TestNoFalseAlarm(t *testing.T) {
	const count = 30
	namespace := newNamespace(t)
	createPolicy(t, namespace, policy("web", duplicated(), selectKind("v1", "ConfigMap")))
	for i := range count {
		_, err := fleet.plane.kube.CoreV1().ConfigMaps(namespace).Create(t.Context(), configMap(fmt.Sprintf("c%d", i), "x"), metav1.CreateOptions{})
		must(t, err)
	}
	eventually(t, "the members to have all", onEach(func(ctx context.Context, m member) error {
		list, err := m.kube.CoreV1().ConfigMaps(namespace).List(ctx, metav1.ListOptions{LabelSelector: "karmada.io/managed=true"})
		if err == nil && len(list.Items) != count {
			err = fmt.Errorf("%d of %d", len(list.Items), count)
		}
		return err
	}))
	// The last template's events are written after all others.
	eventually(t, "the last event", func(ctx context.Context) error {
		list, err := fleet.plane.kube.CoreV1().Events(namespace).List(ctx, metav1.ListOptions{
			FieldSelector: fmt.Sprintf("involvedObject.kind=ConfigMap,involvedObject.name=c%d,reason=SyncWorkSucceed", count-1)})
		if err == nil && len(list.Items) == 0 {
			err = fmt.Errorf("not there")
		}
		return err
	})
	warnings, err := fleet.plane.kube.CoreV1().Events(namespace).List(t.Context(), metav1.ListOptions{FieldSelector: "type=Warning"})
	must(t, err)
	for _, event := range warnings.Items {
		t.Errorf("%s %s: %s: %s", event.InvolvedObject.Kind, event.InvolvedObject.Name, event.Reason, event.Message)
	}
}
