package propagation_test

import (
	"context"
	"encoding/base64"
	"fmt"
	"strings"
	"testing"

	autoscalingv1 "k8s.io/api/autoscaling/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// scale does in a member what its autoscaler does.
func (r *rig) scale(m *member, obj client.Object, replicas int32) {
	r.t.Helper()
	to := &autoscalingv1.Scale{Spec: autoscalingv1.ScaleSpec{Replicas: replicas}}
	err := m.SubResource("scale").Update(r.t.Context(), obj, client.WithSubResourceBody(to), client.FieldOwner("kube-controller-manager"))
	if err != nil {
		r.t.Fatalf("scaling %s in %s: %v", obj.GetName(), m.name, err)
	}
}

// Replicas are an autoscaler's as long as there is one.
func TestReplicasUnderAnAutoscaler(t *testing.T) {
	r := newRig(t, 1)
	r.policy("all", nil, deployments)
	r.settleNamespace()
	m := r.members[0]
	d := deployment(r.namespace, "web", 2)
	r.create(d)
	r.inAll(d, nil)
	autoscaler := &autoscalingv2.HorizontalPodAutoscaler{
		ObjectMeta: metav1.ObjectMeta{Namespace: r.namespace, Name: "web"},
		Spec: autoscalingv2.HorizontalPodAutoscalerSpec{
			ScaleTargetRef: autoscalingv2.CrossVersionObjectReference{APIVersion: "apps/v1", Kind: "Deployment", Name: "web"},
			MinReplicas:    ptr.To[int32](1), MaxReplicas: 9,
		},
	}
	if err := m.Create(t.Context(), autoscaler); err != nil {
		t.Fatal(err)
	}
	replicas := func(image string, want int32) func(*member) error {
		return func(*member) error {
			if got := d.Spec.Template.Spec.Containers[0].Image; got != image || *d.Spec.Replicas != want {
				return fmt.Errorf("image %s with %d replicas, want %s with %d", got, *d.Spec.Replicas, image, want)
			}
			return nil
		}
	}
	r.scale(m, d, 7)
	r.patch(r.plane, deployment(r.namespace, "web", 2), `{"spec":{"replicas":3,"template":{"spec":{"containers":[{"name":"web","image":"nginx:2"}]}}}}`)
	r.inAll(d, replicas("nginx:2", 7))
	r.restart()
	r.quiet()
	r.inAll(d, replicas("nginx:2", 7))

	if err := m.Delete(t.Context(), autoscaler); err != nil {
		t.Fatal(err)
	}
	r.inAll(d, replicas("nginx:2", 3))
}

// What members add to the objects that they got outlives a change of the template.
func TestFieldsThatMembersAdd(t *testing.T) {
	for name, c := range map[string]struct {
		manifest string
		// inMember is what the member adds, toTemplate what then changes.
		inMember, toTemplate string
		// kept are paths whose values the change must not touch, changed one that it sets, to "new".
		kept    [][]string
		changed []string
	}{
		"addresses of two families and node ports": {
			manifest:   `{apiVersion: v1, kind: Service, metadata: {name: dual, namespace: NS}, spec: {type: LoadBalancer, externalTrafficPolicy: Local, ipFamilyPolicy: PreferDualStack, selector: {app: old}, ports: [{name: http, port: 80}]}}`,
			toTemplate: `{"spec":{"selector":{"app":"new"}}}`,
			kept:       [][]string{{"spec", "clusterIP"}, {"spec", "clusterIPs"}, {"spec", "ports"}, {"spec", "healthCheckNodePort"}},
			changed:    []string{"spec", "selector", "app"},
		},
		"the volume of a claim": {
			manifest:   `{apiVersion: v1, kind: PersistentVolumeClaim, metadata: {name: claim, namespace: NS}, spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}}`,
			inMember:   `{"spec":{"volumeName":"pv-1"}}`,
			toTemplate: `{"metadata":{"labels":{"app":"new"}}}`,
			kept:       [][]string{{"spec"}},
			changed:    []string{"metadata", "labels", "app"},
		},
		"the claim of a volume": {
			manifest:   `{apiVersion: v1, kind: PersistentVolume, metadata: {name: NS-pv}, spec: {capacity: {storage: 1Gi}, accessModes: [ReadWriteOnce], hostPath: {path: /data}}}`,
			inMember:   `{"spec":{"claimRef":{"apiVersion":"v1","kind":"PersistentVolumeClaim","namespace":"x","name":"y","uid":"z"}}}`,
			toTemplate: `{"metadata":{"labels":{"app":"new"}}}`,
			kept:       [][]string{{"spec"}},
			changed:    []string{"metadata", "labels", "app"},
		},
		"selector and labels of a Job": {
			manifest:   `{apiVersion: batch/v1, kind: Job, metadata: {name: once, namespace: NS}, spec: {template: {metadata: {labels: {app: once}}, spec: {restartPolicy: Never, containers: [{name: a, image: a}]}}}}`,
			toTemplate: `{"metadata":{"labels":{"app":"new"}}}`,
			kept:       [][]string{{"spec"}},
			changed:    []string{"metadata", "labels", "app"},
		},
		"the token of a service account": {
			manifest:   `{apiVersion: v1, kind: Secret, type: kubernetes.io/service-account-token, metadata: {name: token, namespace: NS, annotations: {kubernetes.io/service-account.name: robot}}}`,
			inMember:   `{"data":{"token":"dG9rZW4="},"metadata":{"annotations":{"kubernetes.io/service-account.uid":"here"}}}`,
			toTemplate: `{"metadata":{"labels":{"app":"new"}}}`,
			kept:       [][]string{{"data"}, {"metadata", "annotations", "kubernetes.io/service-account.uid"}},
			changed:    []string{"metadata", "labels", "app"},
		},
		"secrets of a service account": {
			manifest:   `{apiVersion: v1, kind: ServiceAccount, metadata: {name: robot, namespace: NS}, imagePullSecrets: [{name: ours}]}`,
			inMember:   `{"secrets":[{"name":"generated"}],"imagePullSecrets":[{"name":"ours"},{"name":"theirs"}]}`,
			toTemplate: `{"metadata":{"labels":{"app":"new"}}}`,
			kept:       [][]string{{"secrets"}, {"imagePullSecrets"}},
			changed:    []string{"metadata", "labels", "app"},
		},
		"the caBundle of a webhook": {
			manifest:   `{apiVersion: admissionregistration.k8s.io/v1, kind: ValidatingWebhookConfiguration, metadata: {name: NS-hook}, webhooks: [{name: a.example.com, sideEffects: None, failurePolicy: Ignore, admissionReviewVersions: [v1], namespaceSelector: {matchLabels: {no: ne}}, clientConfig: {service: {namespace: x, name: hook}}, rules: []}]}`,
			inMember:   `[{"op":"add","path":"/webhooks/0/clientConfig/caBundle","value":"` + certificate + `"}]`,
			toTemplate: `{"metadata":{"labels":{"app":"new"}}}`,
			kept:       [][]string{{"webhooks"}},
			changed:    []string{"metadata", "labels", "app"},
		},
		"a sidecar that a controller injected": {
			manifest:   `{apiVersion: apps/v1, kind: Deployment, metadata: {name: injected, namespace: NS}, spec: {selector: {matchLabels: {app: a}}, template: {metadata: {labels: {app: a, version: old}}, spec: {containers: [{name: a, image: a}]}}}}`,
			inMember:   `[{"op":"add","path":"/spec/template/spec/containers/-","value":{"name":"sidecar","image":"s"}},{"op":"add","path":"/spec/template/spec/volumes","value":[{"name":"v","emptyDir":{}}]}]`,
			toTemplate: `{"spec":{"template":{"metadata":{"labels":{"version":"new"}}}}}`,
			kept:       [][]string{{"spec", "template", "spec"}},
			changed:    []string{"spec", "template", "metadata", "labels", "version"},
		},
		"where a Pod runs": {
			manifest:   `{apiVersion: v1, kind: Pod, metadata: {name: lone, namespace: NS}, spec: {containers: [{name: a, image: a}], tolerations: [{key: a, operator: Exists}]}}`,
			inMember:   `[{"op":"add","path":"/spec/tolerations/-","value":{"key":"injected","operator":"Exists"}}]`,
			toTemplate: `{"metadata":{"labels":{"app":"new"}}}`,
			kept:       [][]string{{"spec"}},
			changed:    []string{"metadata", "labels", "app"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, 1)
			m := r.members[0]
			u := r.decode(c.manifest)[0]
			r.clusterPolicy("kind", selectorsOf(u)...)
			r.settleNamespace()
			r.create(u.DeepCopy())
			r.applied(u)
			if c.inMember != "" {
				r.patchAs(m, u, c.inMember)
			}
			r.quiet()
			before := empty(u)
			if err := m.Get(t.Context(), client.ObjectKeyFromObject(u), before); err != nil {
				t.Fatal(err)
			}
			r.patch(r.plane, empty(u), c.toTemplate)
			after := empty(u)
			r.eventually("the change of the template", func(ctx context.Context) error {
				if err := m.Get(ctx, client.ObjectKeyFromObject(u), after); err != nil {
					return err
				}
				if value, _, _ := unstructured.NestedString(after.Object, c.changed...); value != "new" {
					return fmt.Errorf("%v is %q", c.changed, value)
				}
				return nil
			})
			for _, path := range c.kept {
				was, given, _ := unstructured.NestedFieldNoCopy(before.Object, path...)
				is, _, _ := unstructured.NestedFieldNoCopy(after.Object, path...)
				if !given || fmt.Sprint(was) != fmt.Sprint(is) {
					t.Errorf("%v was %v and is %v", path, was, is)
				}
			}
			if ips, ok, _ := unstructured.NestedStringSlice(after.Object, "spec", "clusterIPs"); ok && len(ips) != 2 {
				t.Errorf("addresses %v, want two", ips)
			}
		})
	}
}

// patchAs changes an object in a member as a controller there would, by a merge patch or a JSON patch.
func (r *rig) patchAs(m *member, u *unstructured.Unstructured, patch string) {
	r.t.Helper()
	kind := types.MergePatchType
	if strings.HasPrefix(patch, "[") {
		kind = types.JSONPatchType
	}
	if err := m.Patch(r.t.Context(), empty(u), client.RawPatch(kind, []byte(patch)), client.FieldOwner("someone")); err != nil {
		r.t.Fatalf("patching %s %s in %s: %v", u.GetKind(), u.GetName(), m.name, err)
	}
}

// certificate is one that some controller put into a caBundle.
var certificate = base64.StdEncoding.EncodeToString([]byte(`-----BEGIN CERTIFICATE-----
MIIBdTCCARugAwIBAgIUMCt696MR3ZlJrH0ZB475+og9xOkwCgYIKoZIzj0EAwIw
DzENMAsGA1UEAwwEdGVzdDAgFw0yNjExMjExMTEyMzlaGA8yMTI2MTAyODExMTIz
OVowDzENMAsGA1UEAwwEdGVzdDBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABKBp
Mkl+d6h9V++7VdKDsEQdLmFpWpnXBLS7039aHmEDWXqpZMSHZdsE60pJqtcPVTCg
ohcPb7rik/Qnbuml/I2jUzBRMB0GA1UdDgQWBBQj+mETInN5K+mi3KXh2j/3Z0u8
DTAfBgNVHSMEGDAWgBQj+mETInN5K+mi3KXh2j/3Z0u8DTAPBgNVHRMBAf8EBTAD
AQH/MAoGCCqGSM49BAMCA0gAMEUCIGyVGg8AAIGb69dlSFbVC+LBkRKsLzMggECx
fCU+4gM4AiEAsJg/dHGfWj8KE87rkF6yjDkBpEfDYBdkWcr/iETb1w4=
-----END CERTIFICATE-----
`))
