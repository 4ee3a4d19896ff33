package native

import (
	"strings"
	"testing"

	testingclock "k8s.io/utils/clock/testing"
)

func TestDependencies(t *testing.T) {
	const pod = `{"serviceAccountName":"runner","imagePullSecrets":[{"name":"pull"}],
		"volumes":[{"name":"a","configMap":{"name":"files"}},{"name":"b","secret":{"secretName":"keys"}},
			{"name":"c","persistentVolumeClaim":{"claimName":"data"}},{"name":"d","persistentVolumeClaim":{"claimName":"shared"}},
			{"name":"e","projected":{"sources":[{"configMap":{"name":"projected"}}]}}],
		"initContainers":[{"name":"i","envFrom":[{"secretRef":{"name":"init"}}]}],
		"containers":[{"name":"c","env":[{"name":"E","valueFrom":{"configMapKeyRef":{"name":"env","key":"k"}}}],"envFrom":[{"configMapRef":{"name":"files"}}]}]}`
	const all = "ConfigMap env, ConfigMap files, ConfigMap projected, Secret init, Secret keys, Secret pull, ServiceAccount runner, PersistentVolumeClaim data, PersistentVolumeClaim shared"
	workload := func(apiVersion, kind string) string {
		return `{"apiVersion":"` + apiVersion + `","kind":"` + kind + `","metadata":{"namespace":"shop","name":"web"},"spec":{"template":{"spec":` + pod + `}}}`
	}
	for name, c := range map[string]struct{ object, want string }{
		"Deployment":  {workload("apps/v1", "Deployment"), all},
		"ReplicaSet":  {workload("apps/v1", "ReplicaSet"), all},
		"DaemonSet":   {workload("apps/v1", "DaemonSet"), all},
		"StatefulSet": {workload("apps/v1", "StatefulSet"), all},
		"StatefulSet, a claim of its own": {
			strings.Replace(workload("apps/v1", "StatefulSet"), `"spec":{"template"`, `"spec":{"volumeClaimTemplates":[{"metadata":{"name":"data"}}],"template"`, 1),
			strings.Replace(all, "PersistentVolumeClaim data, ", "", 1)},
		"Job":                 {workload("batch/v1", "Job"), all},
		"CronJob":             {`{"apiVersion":"batch/v1","kind":"CronJob","metadata":{"namespace":"shop"},"spec":{"jobTemplate":{"spec":{"template":{"spec":` + pod + `}}}}}`, all},
		"Pod":                 {`{"apiVersion":"v1","kind":"Pod","metadata":{"namespace":"shop"},"spec":` + pod + `}`, all},
		"the default account": {`{"apiVersion":"v1","kind":"Pod","metadata":{"namespace":"shop"},"spec":{"serviceAccountName":"default"}}`, ""},
		"Ingress":             {`{"apiVersion":"networking.k8s.io/v1","kind":"Ingress","metadata":{"namespace":"shop"},"spec":{"tls":[{"secretName":"b"},{"hosts":["x"]},{"secretName":"a"}]}}`, "Secret a, Secret b"},
		"ServiceImport": {`{"apiVersion":"multicluster.x-k8s.io/v1alpha1","kind":"ServiceImport","metadata":{"namespace":"shop","name":"web"}}`,
			"Service derived-web, EndpointSlice kubernetes.io/service-name=derived-web"},
	} {
		t.Run(name, func(t *testing.T) {
			u := decode(t, c.object)
			found, err := New(testingclock.NewFakePassiveClock(now)).Hooks(u.GroupVersionKind()).Dependencies(t.Context(), u)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, d := range found {
				what := d.Name
				if d.LabelSelector != nil {
					for k, v := range d.LabelSelector.MatchLabels {
						what += k + "=" + v
					}
				}
				got = append(got, d.Kind+" "+what)
				if d.Namespace != "shop" || d.APIVersion == "" {
					t.Errorf("%s is %s in namespace %q", d.Name, d.APIVersion, d.Namespace)
				}
			}
			if text := strings.Join(got, ", "); text != c.want {
				t.Errorf("got %s, want %s", text, c.want)
			}
		})
	}
}
