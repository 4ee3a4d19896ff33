package propagation_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	policyv1alpha1 "github.com/karmada-io/karmada/pkg/apis/policy/v1alpha1"
	workv1alpha1 "github.com/karmada-io/karmada/pkg/apis/work/v1alpha1"
	workv1alpha2 "github.com/karmada-io/karmada/pkg/apis/work/v1alpha2"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/yaml"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"atoll.dev/atoll/apis/karmada/wellknown"
)

// manifests of the kinds that users propagate. NS and ID are the test's.
const manifests = `
apiVersion: v1
kind: ConfigMap
metadata: {name: config, namespace: NS}
data: {key: "<value>", empty: ""}
---
apiVersion: v1
kind: Secret
metadata: {name: secret, namespace: NS}
stringData: {password: hunter2}
---
apiVersion: v1
kind: ServiceAccount
metadata: {name: robot, namespace: NS}
---
apiVersion: v1
kind: Service
metadata: {name: web, namespace: NS}
spec: {selector: {app: web}, ports: [{name: http, port: 80, targetPort: 8080}]}
---
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: data, namespace: NS}
spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1024Mi}}}
---
apiVersion: v1
kind: Pod
metadata: {name: lone, namespace: NS}
spec: {containers: [{name: main, image: busybox, resources: {limits: {cpu: "0.5", memory: 512Mi}}}]}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: NS, labels: {app: web}}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
      - name: web
        image: nginx
        args: ["-g", "daemon off;"]
        env: [{name: A, value: "1"}, {name: POD, valueFrom: {fieldRef: {fieldPath: metadata.name}}}]
        resources: {requests: {cpu: 1000m, memory: 1024Mi}}
        readinessProbe: {httpGet: {path: /, port: 80}}
        volumeMounts: [{name: tmp, mountPath: /tmp}]
      volumes: [{name: tmp, emptyDir: {}}]
      tolerations: [{key: a, operator: Exists}]
---
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: db, namespace: NS}
spec:
  serviceName: db
  selector: {matchLabels: {app: db}}
  template: {metadata: {labels: {app: db}}, spec: {containers: [{name: db, image: postgres}]}}
  volumeClaimTemplates: [{metadata: {name: data}, spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}}]
---
apiVersion: apps/v1
kind: DaemonSet
metadata: {name: agent, namespace: NS}
spec: {selector: {matchLabels: {app: agent}}, template: {metadata: {labels: {app: agent}}, spec: {containers: [{name: a, image: a}]}}}
---
apiVersion: apps/v1
kind: ReplicaSet
metadata: {name: set, namespace: NS}
spec: {replicas: 1, selector: {matchLabels: {app: set}}, template: {metadata: {labels: {app: set}}, spec: {containers: [{name: a, image: a}]}}}
---
apiVersion: batch/v1
kind: Job
metadata: {name: once, namespace: NS}
spec: {ttlSecondsAfterFinished: 60, template: {spec: {restartPolicy: Never, containers: [{name: a, image: a}]}}}
---
apiVersion: batch/v1
kind: CronJob
metadata: {name: often, namespace: NS}
spec: {schedule: "*/5 * * * *", jobTemplate: {spec: {template: {spec: {restartPolicy: Never, containers: [{name: a, image: a}]}}}}}
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: web, namespace: NS}
spec: {rules: [{host: a.example.com, http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: web, port: {number: 80}}}}]}}]}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: deny, namespace: NS}
spec: {podSelector: {}, policyTypes: [Ingress]}
---
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: web, namespace: NS}
spec: {scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}, maxReplicas: 3}
---
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: {name: web, namespace: NS}
spec: {minAvailable: 1, selector: {matchLabels: {app: web}}}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: reader, namespace: NS}
rules: [{apiGroups: [""], resources: [pods], verbs: [get]}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: reader, namespace: NS}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: reader}
subjects: [{kind: ServiceAccount, name: robot, namespace: NS}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: "NS:reader"}
rules: [{apiGroups: [""], resources: [pods], verbs: [get]}]
---
apiVersion: scheduling.k8s.io/v1
kind: PriorityClass
metadata: {name: NS-high}
value: 1000
---
apiVersion: storage.k8s.io/v1
kind: StorageClass
metadata: {name: NS-fast}
provisioner: example.com/fast
---
apiVersion: v1
kind: PersistentVolume
metadata: {name: NS-volume}
spec: {capacity: {storage: 1Gi}, accessModes: [ReadWriteOnce], hostPath: {path: /data}}
---
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: gadgets.NS.example.com}
spec:
  group: NS.example.com
  scope: Namespaced
  names: {plural: gadgets, singular: gadget, kind: Gadget, listKind: GadgetList}
  versions:
  - name: v1
    served: true
    storage: true
    subresources: {status: {}}
    schema: {openAPIV3Schema: {type: object, properties: {spec: {type: object, x-kubernetes-preserve-unknown-fields: true}, status: {type: object, x-kubernetes-preserve-unknown-fields: true}}}}
`

// decode reads manifests with the test's names put in.
func (r *rig) decode(text string) []*unstructured.Unstructured {
	r.t.Helper()
	var all []*unstructured.Unstructured
	decoder := yaml.NewYAMLOrJSONDecoder(strings.NewReader(strings.ReplaceAll(text, "NS", r.namespace)), 4096)
	for {
		u := &unstructured.Unstructured{}
		if err := decoder.Decode(&u.Object); err != nil {
			return all
		}
		if len(u.Object) > 0 {
			all = append(all, u)
		}
	}
}

// selectorsOf select each object by name.
func selectorsOf(objs ...*unstructured.Unstructured) []policyv1alpha1.ResourceSelector {
	var selectors []policyv1alpha1.ResourceSelector
	for _, u := range objs {
		selectors = append(selectors, policyv1alpha1.ResourceSelector{APIVersion: u.GetAPIVersion(), Kind: u.GetKind(), Namespace: u.GetNamespace(), Name: u.GetName()})
	}
	return selectors
}

// empty is an object of the same kind and name.
func empty(u *unstructured.Unstructured) *unstructured.Unstructured {
	e := &unstructured.Unstructured{}
	e.SetGroupVersionKind(u.GroupVersionKind())
	e.SetName(u.GetName())
	e.SetNamespace(u.GetNamespace())
	return e
}

// applied waits until the Work of an object is applied in every member.
func (r *rig) applied(u *unstructured.Unstructured) {
	r.t.Helper()
	for _, m := range r.members {
		r.eventually(fmt.Sprintf("%s %s applied in %s", u.GetKind(), u.GetName(), m.name), func(ctx context.Context) error {
			var w workv1alpha1.Work
			key := types.NamespacedName{Namespace: wellknown.ExecutionNamespace(m.name), Name: wellknown.WorkName(u.GetKind(), u.GetName(), u.GetNamespace())}
			if err := r.plane.Get(ctx, key, &w); err != nil {
				return err
			}
			if !meta.IsStatusConditionTrue(w.Status.Conditions, workv1alpha1.WorkApplied) {
				return fmt.Errorf("conditions %v", w.Status.Conditions)
			}
			return m.Get(ctx, client.ObjectKeyFromObject(u), empty(u))
		})
	}
}

// Every kind goes out, stays as it is over a restart, and comes back when the cluster policy is by name.
func TestKinds(t *testing.T) {
	r := newRig(t, 2)
	objs := r.decode(manifests)
	if len(objs) != 23 {
		t.Fatalf("%d manifests", len(objs))
	}
	r.clusterPolicy("kinds", selectorsOf(objs...)...)
	r.settleNamespace()
	for _, u := range objs {
		r.create(u.DeepCopy())
	}
	for _, u := range objs {
		r.applied(u)
	}
	gadget := r.decode(`{apiVersion: NS.example.com/v1, kind: Gadget, metadata: {name: one, namespace: NS}, spec: {size: 3, list: [1, 2, {a: b}]}}`)[0]
	r.clusterPolicy("gadgets", selectorsOf(gadget)...)
	r.eventually("the new kind is served", func(ctx context.Context) error {
		err := r.plane.Create(ctx, gadget.DeepCopy())
		if apierrors.IsAlreadyExists(err) {
			return nil
		}
		return err
	})
	r.applied(gadget)

	t.Run("status of a custom resource", func(t *testing.T) {
		got := empty(gadget)
		if err := r.members[0].Get(t.Context(), client.ObjectKeyFromObject(gadget), got); err != nil {
			t.Fatal(err)
		}
		got.Object["status"] = map[string]any{"phase": "Spinning"}
		if err := r.members[0].Status().Update(t.Context(), got); err != nil {
			t.Fatal(err)
		}
		r.eventually("the status in the binding", func(ctx context.Context) error {
			var b workv1alpha2.ResourceBinding
			if err := r.plane.Get(ctx, types.NamespacedName{Namespace: r.namespace, Name: "one-gadget"}, &b); err != nil {
				return err
			}
			for _, item := range b.Status.AggregatedStatus {
				if item.ClusterName == r.members[0].name && item.Status != nil && string(item.Status.Raw) == `{"phase":"Spinning"}` {
					return nil
				}
			}
			return fmt.Errorf("aggregated status %+v", b.Status.AggregatedStatus)
		})
	})

	t.Run("what members get", func(t *testing.T) {
		var b workv1alpha2.ResourceBinding
		if err := r.plane.Get(t.Context(), types.NamespacedName{Namespace: r.namespace, Name: "web-deployment"}, &b); err != nil {
			t.Fatal(err)
		}
		request := b.Spec.ReplicaRequirements.ResourceRequest
		if cpu, memory := request.Cpu().String(), request.Memory().String(); cpu != "1" || memory != "1Gi" || b.Spec.Replicas != 2 {
			t.Errorf("the binding asks for %d × %s CPU and %s memory", b.Spec.Replicas, cpu, memory)
		}
		job := empty(objs[10])
		if err := r.members[0].Get(t.Context(), client.ObjectKeyFromObject(job), job); err != nil {
			t.Fatal(err)
		}
		if _, ok, _ := unstructured.NestedFieldNoCopy(job.Object, "spec", "ttlSecondsAfterFinished"); ok {
			t.Error("the Job would be deleted in the member when it has finished, and made anew")
		}
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
