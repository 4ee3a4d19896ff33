package footprint

import (
	"testing"

	"atoll.dev/atoll/apis/karmada/wellknown"
)

func TestPlatform(t *testing.T) {
	const arm = `{nodeSelector: {kubernetes.io/arch: arm64, disk: ssd}, tolerations: [{key: arch, operator: Exists}], containers: [{name: c}]}`
	const windows = `{affinity: {nodeAffinity: {requiredDuringSchedulingIgnoredDuringExecution: {nodeSelectorTerms: [{matchExpressions: [{key: kubernetes.io/os, operator: In, values: [windows]}]}]}}}, containers: [{name: c}]}`
	daemonSet := func(pod string) string {
		return "apiVersion: apps/v1\nkind: DaemonSet\nspec: {template: {spec: " + pod + "}}"
	}
	for _, c := range []struct{ name, text, want string }{
		{"a node selector, and all that goes with it", daemonSet(arm), `{"nodeSelector":{"disk":"ssd","kubernetes.io/arch":"arm64"},"tolerations":[{"key":"arch","operator":"Exists"}]}`},
		{"an affinity", daemonSet(windows), `{"hardNodeAffinity":{"nodeSelectorTerms":[{"matchExpressions":[{"key":"kubernetes.io/os","operator":"In","values":["windows"]}]}]}}`},
		{"a CronJob", "apiVersion: batch/v1\nkind: CronJob\nspec: {jobTemplate: {spec: {template: {spec: {nodeSelector: {beta.kubernetes.io/os: linux}, containers: [{name: c}]}}}}}", `{"nodeSelector":{"beta.kubernetes.io/os":"linux"}}`},
		{"other labels", daemonSet(`{nodeSelector: {disk: ssd}, containers: [{name: c}]}`), ""},
		{"a preference", daemonSet(`{affinity: {nodeAffinity: {preferredDuringSchedulingIgnoredDuringExecution: [{weight: 1, preference: {matchExpressions: [{key: kubernetes.io/arch, operator: Exists}]}}]}}, containers: [{name: c}]}`), ""},
		{"what cannot be read", daemonSet(`{nodeSelector: {kubernetes.io/arch: 5}, containers: [{name: c}]}`), ""},
		{"a Deployment, whose binding has it", "apiVersion: apps/v1\nkind: Deployment\nspec: {template: {spec: " + arm + "}}", ""},
		{"no workload", "apiVersion: v1\nkind: ConfigMap", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := Annotations(template(t, c.text))[wellknown.PlatformAnnotation]
			if got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
			if again := FormatPlatform(ParsePlatform(got)); again != got {
				t.Errorf("%s is read as %s", got, again)
			}
		})
	}
	if claim := ParsePlatform("{"); claim != nil {
		t.Errorf("garbage is read as %+v", claim)
	}
}
