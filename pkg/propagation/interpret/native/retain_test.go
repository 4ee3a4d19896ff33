package native

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	testingclock "k8s.io/utils/clock/testing"
)

// What a manifest gives and a member knows better. The wants are documented in docs/policies.md.
func TestRetainedFields(t *testing.T) {
	interpreter := New(testingclock.NewFakePassiveClock(time.Now()))
	for name, c := range map[string]struct{ desired, observed, want string }{
		"service: both addresses of the member": {
			`{"apiVersion":"v1","kind":"Service","spec":{"clusterIP":"10.1.0.1"}}`,
			`{"spec":{"clusterIP":"10.2.0.1","clusterIPs":["10.2.0.1","fd00::1"]}}`,
			`{"apiVersion":"v1","kind":"Service","spec":{"clusterIP":"10.2.0.1","clusterIPs":["10.2.0.1","fd00::1"]}}`,
		},
		"service: what is not given needs no retaining": {
			`{"apiVersion":"v1","kind":"Service","spec":{"type":"LoadBalancer"}}`,
			`{"spec":{"clusterIP":"10.2.0.1","healthCheckNodePort":30001}}`,
			`{"apiVersion":"v1","kind":"Service","spec":{"type":"LoadBalancer"}}`,
		},
		"service: a second family that the policy lets the member add": {
			`{"apiVersion":"v1","kind":"Service","spec":{"ipFamilyPolicy":"PreferDualStack","ipFamilies":["IPv4"]}}`,
			`{"spec":{"ipFamilies":["IPv4","IPv6"]}}`,
			`{"apiVersion":"v1","kind":"Service","spec":{"ipFamilyPolicy":"PreferDualStack","ipFamilies":["IPv4","IPv6"]}}`,
		},
		"service: a single family is wanted": {
			`{"apiVersion":"v1","kind":"Service","spec":{"ipFamilyPolicy":"SingleStack","ipFamilies":["IPv4"]}}`,
			`{"spec":{"ipFamilies":["IPv4","IPv6"]}}`,
			`{"apiVersion":"v1","kind":"Service","spec":{"ipFamilyPolicy":"SingleStack","ipFamilies":["IPv4"]}}`,
		},
		"service: the member's health check port": {
			`{"apiVersion":"v1","kind":"Service","spec":{"healthCheckNodePort":30002}}`,
			`{"spec":{"healthCheckNodePort":30001}}`,
			`{"apiVersion":"v1","kind":"Service","spec":{"healthCheckNodePort":30001}}`,
		},
		"service: headless stays headless": {
			`{"apiVersion":"v1","kind":"Service","spec":{"clusterIP":"None"}}`,
			`{"spec":{"clusterIP":"None","clusterIPs":["None"]}}`,
			`{"apiVersion":"v1","kind":"Service","spec":{"clusterIP":"None"}}`,
		},
		"service: an external name has no address": {
			`{"apiVersion":"v1","kind":"Service","spec":{"type":"ExternalName","clusterIP":""}}`,
			`{"spec":{"clusterIP":"10.2.0.1"}}`,
			`{"apiVersion":"v1","kind":"Service","spec":{"type":"ExternalName","clusterIP":""}}`,
		},
		"service: node ports are the template's": {
			`{"apiVersion":"v1","kind":"Service","spec":{"ports":[{"port":80,"nodePort":30100}]}}`,
			`{"spec":{"ports":[{"port":80,"nodePort":30200}]}}`,
			`{"apiVersion":"v1","kind":"Service","spec":{"ports":[{"port":80,"nodePort":30100}]}}`,
		},
		"replicas with the label": {
			`{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"labels":{"resourcetemplate.karmada.io/retain-replicas":"true"}},"spec":{"replicas":1}}`,
			`{"spec":{"replicas":7}}`,
			`{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"labels":{"resourcetemplate.karmada.io/retain-replicas":"true"}},"spec":{"replicas":7}}`,
		},
		"replicas without the label": {
			`{"apiVersion":"apps/v1","kind":"StatefulSet","spec":{"replicas":1}}`,
			`{"spec":{"replicas":7}}`,
			`{"apiVersion":"apps/v1","kind":"StatefulSet","spec":{"replicas":1}}`,
		},
		"job: generated selector and labels": {
			`{"apiVersion":"batch/v1","kind":"Job","spec":{"selector":{"matchLabels":{"controller-uid":"a"}},"template":{"metadata":{"labels":{"controller-uid":"a","app":"x"}}}}}`,
			`{"spec":{"selector":{"matchLabels":{"controller-uid":"b"}},"template":{"metadata":{"labels":{"controller-uid":"b","app":"y"}}}}}`,
			`{"apiVersion":"batch/v1","kind":"Job","spec":{"selector":{"matchLabels":{"controller-uid":"b"}},"template":{"metadata":{"labels":{"controller-uid":"b","app":"x"}}}}}`,
		},
		"job: a selector of the user's own": {
			`{"apiVersion":"batch/v1","kind":"Job","spec":{"manualSelector":true,"selector":{"matchLabels":{"controller-uid":"a"}}}}`,
			`{"spec":{"selector":{"matchLabels":{"controller-uid":"b"}}}}`,
			`{"apiVersion":"batch/v1","kind":"Job","spec":{"manualSelector":true,"selector":{"matchLabels":{"controller-uid":"a"}}}}`,
		},
		"secret of a service account": {
			`{"apiVersion":"v1","kind":"Secret","type":"kubernetes.io/service-account-token","data":{"token":"YQ=="}}`,
			`{"data":{"token":"Yg=="}}`,
			`{"apiVersion":"v1","kind":"Secret","type":"kubernetes.io/service-account-token","data":{"token":"Yg=="}}`,
		},
		"any other secret": {
			`{"apiVersion":"v1","kind":"Secret","type":"Opaque","data":{"token":"YQ=="}}`,
			`{"data":{"token":"Yg=="}}`,
			`{"apiVersion":"v1","kind":"Secret","type":"Opaque","data":{"token":"YQ=="}}`,
		},
		"service account: pull secrets are united": {
			`{"apiVersion":"v1","kind":"ServiceAccount","imagePullSecrets":[{"name":"a"}]}`,
			`{"imagePullSecrets":[{"name":"b"},{"name":"a"}]}`,
			`{"apiVersion":"v1","kind":"ServiceAccount","imagePullSecrets":[{"name":"a"},{"name":"b"}]}`,
		},
		"pod: injected tolerations": {
			`{"apiVersion":"v1","kind":"Pod","spec":{"tolerations":[{"key":"a"}]}}`,
			`{"spec":{"tolerations":[{"key":"a"},{"key":"injected"}]}}`,
			`{"apiVersion":"v1","kind":"Pod","spec":{"tolerations":[{"key":"a"},{"key":"injected"}]}}`,
		},
		"aggregated role": {
			`{"apiVersion":"rbac.authorization.k8s.io/v1","kind":"ClusterRole","aggregationRule":{"clusterRoleSelectors":[{}]},"rules":[]}`,
			`{"rules":[{"verbs":["get"]}]}`,
			`{"apiVersion":"rbac.authorization.k8s.io/v1","kind":"ClusterRole","aggregationRule":{"clusterRoleSelectors":[{}]},"rules":[{"verbs":["get"]}]}`,
		},
		"role": {
			`{"apiVersion":"rbac.authorization.k8s.io/v1","kind":"ClusterRole","rules":[]}`,
			`{"rules":[{"verbs":["get"]}]}`,
			`{"apiVersion":"rbac.authorization.k8s.io/v1","kind":"ClusterRole","rules":[]}`,
		},
		"claim that the member has grown": {
			`{"apiVersion":"v1","kind":"PersistentVolumeClaim","spec":{"resources":{"requests":{"storage":"1Gi"}}}}`,
			`{"spec":{"resources":{"requests":{"storage":"2048Mi"}}}}`,
			`{"apiVersion":"v1","kind":"PersistentVolumeClaim","spec":{"resources":{"requests":{"storage":"2048Mi"}}}}`,
		},
		"claim that the template has grown": {
			`{"apiVersion":"v1","kind":"PersistentVolumeClaim","spec":{"resources":{"requests":{"storage":"3Gi"}}}}`,
			`{"spec":{"resources":{"requests":{"storage":"2Gi"}}}}`,
			`{"apiVersion":"v1","kind":"PersistentVolumeClaim","spec":{"resources":{"requests":{"storage":"3Gi"}}}}`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			desired := decode(t, c.desired)
			retain := interpreter.Hooks(desired.GroupVersionKind()).Retain
			if retain == nil {
				t.Fatal("nothing is retained of this kind")
			}
			got, err := retain(t.Context(), desired, decode(t, c.observed))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(decode(t, c.want).Object, got.Object); diff != "" {
				t.Error("(-want +got):", diff)
			}
		})
	}
}
