package override

import (
	"encoding/json"
	"strings"
	"testing"

	policyv1alpha1 "github.com/karmada-io/karmada/pkg/apis/policy/v1alpha1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"
)

const deployment = `
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop, labels: {app: web}, annotations: {note: old}}
spec:
  replicas: 2
  template:
    spec:
      initContainers: [{name: init, image: "busybox:1"}]
      containers:
      - {name: web, image: "registry.example.com:5000/team/web:v1", command: [serve], args: [--a, --b]}
      - {name: side, image: nginx}
`

const configMap = `
apiVersion: v1
kind: ConfigMap
metadata: {name: config, namespace: shop}
data:
  app.yaml: |
    db: {host: a, port: 1}
  app.json: '{"db":{"host":"a"},"big":12345678901}'
`

func object(t *testing.T, manifest string) *unstructured.Unstructured {
	t.Helper()
	raw, err := yaml.YAMLToJSON([]byte(manifest))
	if err != nil {
		t.Fatal(err)
	}
	u := &unstructured.Unstructured{}
	if err := u.UnmarshalJSON(raw); err != nil {
		t.Fatal(err)
	}
	return u
}

func overriders(t *testing.T, y string) *policyv1alpha1.Overriders {
	t.Helper()
	o := &policyv1alpha1.Overriders{}
	if err := yaml.UnmarshalStrict([]byte(y), o); err != nil {
		t.Fatal(err)
	}
	return o
}

// at returns what a path leads to, as JSON; "" for nothing.
func at(t *testing.T, u *unstructured.Unstructured, path ...string) string {
	t.Helper()
	value, ok, err := unstructured.NestedFieldNoCopy(u.Object, path...)
	if err != nil {
		t.Fatal(err)
	}
	if !ok {
		return ""
	}
	raw, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

func TestOverriders(t *testing.T) {
	containers := []string{"spec", "template", "spec", "containers"}
	for name, c := range map[string]struct {
		manifest, overriders string
		path                 []string
		want                 string // a part of what path holds then, or the error after "error: "
		absent               string
	}{
		"plaintext replaces":       {deployment, `plaintext: [{path: /spec/replicas, operator: replace, value: 5}]`, []string{"spec", "replicas"}, "5", ""},
		"plaintext adds":           {deployment, `plaintext: [{path: /metadata/annotations/x~1y, operator: add, value: z}]`, []string{"metadata", "annotations"}, `"x/y":"z"`, ""},
		"plaintext removes":        {deployment, `plaintext: [{path: /metadata/labels/app, operator: remove}]`, []string{"metadata", "labels"}, "{}", ""},
		"plaintext in order":       {deployment, `plaintext: [{path: /spec/x, operator: add, value: {}}, {path: /spec/x/y, operator: add, value: 1}]`, []string{"spec", "x"}, `{"y":1}`, ""},
		"plaintext nowhere":        {deployment, `plaintext: [{path: /spec/nope/x, operator: replace, value: 5}]`, nil, "error: plaintext: replace /spec/nope/x", ""},
		"plaintext of the name":    {deployment, `plaintext: [{path: /metadata/name, operator: replace, value: other}]`, nil, "error: plaintext: it would make apps/v1 Deployment other", ""},
		"registry replaced":        {deployment, `imageOverrider: [{component: Registry, operator: replace, value: mirror:80}]`, containers, `"mirror:80/team/web:v1"`, ""},
		"registry of all":          {deployment, `imageOverrider: [{component: Registry, operator: replace, value: mirror.io}]`, containers, `"mirror.io/nginx"`, ""},
		"registry removed":         {deployment, `imageOverrider: [{component: Registry, operator: remove}]`, containers, `"team/web:v1"`, "registry"},
		"registry added to":        {deployment, `imageOverrider: [{component: Registry, operator: add, value: "1"}]`, containers, `"registry.example.com:50001/team/web:v1"`, ""},
		"repository replaced":      {deployment, `imageOverrider: [{component: Repository, operator: replace, value: x}]`, containers, `"registry.example.com:5000/x:v1"`, "team"},
		"tag replaced":             {deployment, `imageOverrider: [{component: Tag, operator: replace, value: v2}]`, containers, `"registry.example.com:5000/team/web:v2"`, "v1"},
		"tag added to":             {deployment, `imageOverrider: [{component: Tag, operator: add, value: "-arm", predicate: {path: /spec/template/spec/containers/0/image}}]`, containers, `web:v1-arm"`, "nginx:"},
		"tag removed":              {deployment, `imageOverrider: [{component: Tag, operator: remove}]`, containers, `team/web"`, "v1"},
		"tag becomes a digest":     {deployment, `imageOverrider: [{component: Tag, operator: replace, value: "sha256:` + strings.Repeat("a", 64) + `"}]`, containers, `web@sha256:aaaa`, "v1"},
		"init containers stay":     {deployment, `imageOverrider: [{component: Tag, operator: replace, value: v2}]`, []string{"spec", "template", "spec", "initContainers"}, `busybox:1"`, ""},
		"an image by its path":     {deployment, `imageOverrider: [{component: Tag, operator: replace, value: "2", predicate: {path: /spec/template/spec/initContainers/0/image}}]`, []string{"spec", "template", "spec", "initContainers"}, `busybox:2"`, ""},
		"a path to no image":       {deployment, `imageOverrider: [{component: Tag, operator: replace, value: "2", predicate: {path: /spec/replicas}}]`, nil, "error: imageOverrider[0]: path /spec/replicas holds no string", ""},
		"an impossible image":      {deployment, `imageOverrider: [{component: Tag, operator: replace, value: "a b"}]`, nil, `error: imageOverrider[0]: container web: replace Tag "a b" makes`, ""},
		"images of other kinds":    {configMap, `imageOverrider: [{component: Tag, operator: replace, value: v2}]`, []string{"kind"}, "ConfigMap", ""},
		"command added to":         {deployment, `commandOverrider: [{containerName: web, operator: add, value: [now]}]`, containers, `"command":["serve","now"]`, ""},
		"command where none was":   {deployment, `commandOverrider: [{containerName: side, operator: add, value: [now]}]`, containers, `"command":["now"]`, ""},
		"args removed":             {deployment, `argsOverrider: [{containerName: web, operator: remove, value: [--a]}]`, containers, `"args":["--b"]`, ""},
		"the last of the args":     {deployment, `argsOverrider: [{containerName: web, operator: remove, value: [--a, --b]}]`, containers, `serve`, "args"},
		"args of no such one":      {deployment, `argsOverrider: [{containerName: nope, operator: add, value: [--c]}]`, containers, `["--a","--b"]`, "--c"},
		"labels added":             {deployment, `labelsOverrider: [{operator: add, value: {app: x, b: z}}]`, []string{"metadata", "labels"}, `{"app":"x","b":"z"}`, ""},
		"labels added to none":     {configMap, `labelsOverrider: [{operator: add, value: {b: z}}]`, []string{"metadata", "labels"}, `{"b":"z"}`, ""},
		"labels replaced if there": {deployment, `labelsOverrider: [{operator: replace, value: {app: x, b: z}}]`, []string{"metadata", "labels"}, `{"app":"x"}`, ""},
		"annotations removed":      {deployment, `annotationsOverrider: [{operator: remove, value: {note: "", other: ""}}]`, []string{"metadata"}, "web", "note"},
		"a field of JSON":          {configMap, `fieldOverrider: [{fieldPath: /data/app.json, json: [{subPath: /db/host, operator: replace, value: b}]}]`, []string{"data", "app.json"}, `{\"big\":12345678901,\"db\":{\"host\":\"b\"}}`, ""},
		"a field of YAML":          {configMap, `fieldOverrider: [{fieldPath: /data/app.yaml, yaml: [{subPath: /db/port, operator: replace, value: 2}, {subPath: /db/host, operator: remove}]}]`, []string{"data", "app.yaml"}, `db:\n  port: 2\n`, "host"},
		"a field that is no JSON":  {configMap, `fieldOverrider: [{fieldPath: /data/app.yaml, json: [{subPath: /db, operator: remove}]}]`, nil, "error: fieldOverrider[0]: path /data/app.yaml: remove /db", ""},
		"a field that is not":      {configMap, `fieldOverrider: [{fieldPath: /data/none, json: [{subPath: /db, operator: remove}]}]`, nil, "error: fieldOverrider[0]: path /data/none", ""},
		"plaintext comes last":     {deployment, `{plaintext: [{path: /metadata/labels/app, operator: replace, value: last}], labelsOverrider: [{operator: replace, value: {app: first}}]}`, []string{"metadata", "labels"}, `last`, ""},
	} {
		t.Run(name, func(t *testing.T) {
			u := object(t, c.manifest)
			err := apply(u, overriders(t, c.overriders))
			if want, ok := strings.CutPrefix(c.want, "error: "); ok {
				if err == nil || !strings.HasPrefix(err.Error(), want) {
					t.Fatalf("got error %v, want %q", err, want)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			got := at(t, u, c.path...)
			if !strings.Contains(got, c.want) || c.absent != "" && strings.Contains(got, c.absent) {
				t.Errorf("%v is %s; want %s in it and not %q", c.path, got, c.want, c.absent)
			}
		})
	}
}

func TestImages(t *testing.T) {
	digest := "sha256:" + strings.Repeat("0", 64)
	for in, want := range map[string]image{
		"nginx":                             {"", "nginx", "", ""},
		"library/nginx:1":                   {"", "library/nginx", "1", ""},
		"localhost/nginx":                   {"localhost", "nginx", "", ""},
		"host:80/a/b/c:v1":                  {"host:80", "a/b/c", "v1", ""},
		"registry.io/nginx@" + digest:       {"registry.io", "nginx", "", digest},
		"registry.io/nginx:1.2.3@" + digest: {"registry.io", "nginx", "1.2.3", digest},
	} {
		got, err := parseImage(in)
		if err != nil || got != want {
			t.Errorf("%s: got %+v, %v; want %+v", in, got, err, want)
		}
		if got.String() != in {
			t.Errorf("%s is written %s", in, got)
		}
	}
	for _, bad := range []string{"", "Nginx", "a b", "a:b:c"} {
		if got, err := parseImage(bad); err == nil {
			t.Errorf("%q is read as %+v", bad, got)
		}
	}
}

func FuzzOverrideImage(f *testing.F) {
	f.Add("host:80/a/b:v1", "Tag", "replace", "v2")
	f.Add("nginx", "Registry", "add", "mirror.io")
	f.Add("nginx@sha256:"+strings.Repeat("0", 64), "Tag", "remove", "")
	f.Fuzz(func(t *testing.T, in, component, operator, value string) {
		out, err := overrideImage(in, &policyv1alpha1.ImageOverrider{
			Component: policyv1alpha1.ImageComponent(component), Operator: policyv1alpha1.OverriderOperator(operator), Value: value})
		if err != nil {
			return
		}
		if _, err := parseImage(out); err != nil {
			t.Errorf("%s %s %q makes %q of %q, which is no image: %v", operator, component, value, out, in, err)
		}
	})
}
