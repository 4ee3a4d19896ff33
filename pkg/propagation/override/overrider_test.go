package override

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	clusterv1alpha1 "github.com/karmada-io/karmada/pkg/apis/cluster/v1alpha1"
	policyv1alpha1 "github.com/karmada-io/karmada/pkg/apis/policy/v1alpha1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"atoll.dev/atoll/apis/karmada/wellknown"
)

// policyNamed makes an override policy, cluster-wide if namespace is empty, that appends its name to label "order".
func policyNamed(t *testing.T, namespace, name, spec string) client.Object {
	t.Helper()
	var s policyv1alpha1.OverrideSpec
	if err := yaml.UnmarshalStrict([]byte(spec), &s); err != nil {
		t.Fatal(err)
	}
	meta := metav1.ObjectMeta{Namespace: namespace, Name: name}
	if namespace == "" {
		return &policyv1alpha1.ClusterOverridePolicy{ObjectMeta: meta, Spec: s}
	}
	return &policyv1alpha1.OverridePolicy{ObjectMeta: meta, Spec: s}
}

// appends is a rule that adds an argument to container web, so that the arguments tell the order.
func appends(arg, target string) string {
	return fmt.Sprintf("{%soverriders: {argsOverrider: [{containerName: web, operator: add, value: [%s]}]}}", target, arg)
}

func selects(selector, rules string) string {
	return fmt.Sprintf("{resourceSelectors: [%s], overrideRules: [%s]}", selector, rules)
}

func overrider(t *testing.T, policies ...client.Object) *Overrider {
	t.Helper()
	o := New(nil)
	for _, p := range policies {
		o.policyChanged(nil, p, func(Change) {})
	}
	for name, labels := range map[string]map[string]string{"m1": {"zone": "a"}, "m2": {"zone": "b"}} {
		o.clusterChanged(nil, &clusterv1alpha1.Cluster{ObjectMeta: metav1.ObjectMeta{Name: name, Labels: labels}}, func(Change) {})
	}
	return o
}

// args returns the arguments of container web that overrides added.
func args(t *testing.T, o *Overrider, cluster string) (string, Result) {
	t.Helper()
	result, err := o.Apply(object(t, deployment), cluster)
	if err != nil {
		t.Fatal(err)
	}
	got := at(t, result.Manifest, "spec", "template", "spec", "containers")
	_, got, _ = strings.Cut(got, `"--b"`)
	got, _, _ = strings.Cut(got, "]")
	return strings.ReplaceAll(strings.TrimPrefix(got, ","), `"`, ""), result
}

const (
	byKind  = "{apiVersion: apps/v1, kind: Deployment}"
	byLabel = "{apiVersion: apps/v1, kind: Deployment, labelSelector: {matchLabels: {app: web}}}"
	byName  = "{apiVersion: apps/v1, kind: Deployment, name: web}"
	other   = "{apiVersion: apps/v1, kind: Deployment, name: other}"
)

func TestOrder(t *testing.T) {
	for name, c := range map[string]struct {
		policies []client.Object
		want     string // on cluster m1
	}{
		"none": {nil, ""},
		"cluster-wide before namespaced": {[]client.Object{
			policyNamed(t, "shop", "a", selects(byKind, appends("namespaced", ""))),
			policyNamed(t, "", "z", selects(byName, appends("wide", "")))}, "wide,namespaced"},
		"the most exact last": {[]client.Object{
			policyNamed(t, "shop", "a", selects(byName, appends("name", ""))),
			policyNamed(t, "shop", "b", selects(byLabel, appends("label", ""))),
			policyNamed(t, "shop", "c", selects(byKind, appends("kind", ""))),
			policyNamed(t, "shop", "d", `{overrideRules: [`+appends("all", "")+`]}`)}, "kind,all,label,name"},
		"then by name": {[]client.Object{
			policyNamed(t, "shop", "b", selects(byKind, appends("b", ""))),
			policyNamed(t, "shop", "a", selects(byKind, appends("a", "")))}, "a,b"},
		"rules as listed": {[]client.Object{policyNamed(t, "shop", "a", selects(byKind, appends("z", "")+","+appends("a", "")))}, "z,a"},
		"rules of other clusters": {[]client.Object{policyNamed(t, "shop", "a", selects(byKind,
			appends("m1", "targetCluster: {clusterNames: [m1]}, ")+","+appends("m2", "targetCluster: {clusterNames: [m2]}, ")+","+
				appends("a", "targetCluster: {labelSelector: {matchLabels: {zone: a}}}, ")))}, "m1,a"},
		"other templates":  {[]client.Object{policyNamed(t, "shop", "a", selects(other, appends("x", "")))}, ""},
		"other namespaces": {[]client.Object{policyNamed(t, "office", "a", selects(byKind, appends("x", "")))}, ""},
		"the deprecated form": {[]client.Object{policyNamed(t, "shop", "a",
			`{targetCluster: {clusterNames: [m1]}, overriders: {argsOverrider: [{containerName: web, operator: add, value: [old]}]}}`)}, "old"},
		"selectors see the template as it was": {[]client.Object{
			policyNamed(t, "", "a", selects(byKind, `{overriders: {labelsOverrider: [{operator: replace, value: {app: changed}}]}}`)),
			policyNamed(t, "shop", "b", selects(byLabel, appends("b", "")))}, "b"},
	} {
		t.Run(name, func(t *testing.T) {
			if got, _ := args(t, overrider(t, c.policies...), "m1"); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

func TestWhatIsRecorded(t *testing.T) {
	o := overrider(t,
		policyNamed(t, "shop", "b", selects(byName, appends("1", "")+","+appends("2", ""))),
		policyNamed(t, "shop", "a", selects(byName, appends("3", ""))),
		policyNamed(t, "", "w", selects(byKind, appends("4", ""))))
	_, result := args(t, o, "m1")
	want := map[string]string{
		wellknown.AppliedClusterOverridesAnnotation: `[{"policyName":"w","overriders":{"argsOverrider":[{"containerName":"web","operator":"add","value":["4"]}]}}]`,
		wellknown.AppliedOverridesAnnotation: `[{"policyName":"a","overriders":{"argsOverrider":[{"containerName":"web","operator":"add","value":["3"]}]}},` +
			`{"policyName":"b","overriders":{"argsOverrider":[{"containerName":"web","operator":"add","value":["1"]}]}},` +
			`{"policyName":"b","overriders":{"argsOverrider":[{"containerName":"web","operator":"add","value":["2"]}]}}]`,
	}
	for key, value := range want {
		if result.Annotations[key] != value {
			t.Errorf("%s is\n%s, want\n%s", key, result.Annotations[key], value)
		}
	}
	if got := strings.Join(result.Policies, " "); got != "cluster override policy(w) override policy(shop/a) override policy(shop/b)" {
		t.Errorf("applied %s", got)
	}
}

func TestAFailureNamesThePolicy(t *testing.T) {
	o := overrider(t, policyNamed(t, "shop", "broken", selects(byKind, `{overriders: {plaintext: [{path: /spec/x/y, operator: remove}]}}`)))
	_, err := o.Apply(object(t, deployment), "m1")
	var failed *Error
	if !errors.As(err, &failed) || failed.Policy != "override policy(shop/broken)" || !strings.Contains(err.Error(), "/spec/x/y") {
		t.Errorf("got %v", err)
	}
}

func TestWhomAChangeConcerns(t *testing.T) {
	o := overrider(t)
	var changes []Change
	tell := func(c Change) { changes = append(changes, c) }
	concerned := func(manifest string) bool {
		t.Helper()
		if len(changes) != 1 {
			t.Fatalf("told %d times, want once", len(changes))
		}
		c := changes[0]
		changes = nil
		return c.Concerns(object(t, manifest))
	}
	p := policyNamed(t, "shop", "a", selects(other, appends("x", "")))
	o.policyChanged(nil, p, tell)
	if concerned(deployment) {
		t.Error("a policy for another template concerns this one")
	}
	now := policyNamed(t, "shop", "a", selects(byName, appends("x", "")))
	now.SetGeneration(2)
	o.policyChanged(p, now, tell)
	if !concerned(deployment) {
		t.Error("a policy that now selects the template does not concern it")
	}
	o.policyChanged(now, now, tell)
	if len(changes) != 0 {
		t.Error("told of a policy that did not change")
	}
	m1 := &clusterv1alpha1.Cluster{ObjectMeta: metav1.ObjectMeta{Name: "m1", Labels: map[string]string{"zone": "c"}}}
	o.clusterChanged(m1, m1, tell)
	if !concerned(deployment) {
		t.Error("a cluster's new labels do not concern a template with overrides")
	}
	o.clusterChanged(m1, m1, tell)
	if len(changes) != 0 {
		t.Error("told of a cluster that did not change")
	}
	back := policyNamed(t, "shop", "a", selects(other, appends("x", "")))
	back.SetGeneration(3)
	o.policyChanged(now, back, tell)
	if !concerned(deployment) {
		t.Error("a policy that no longer selects the template does not concern it")
	}
	o.policyChanged(back, nil, tell)
	if !changes[0].Removed || concerned(deployment) {
		t.Error("a deletion is not told as one, or concerns whom it does not")
	}
}
