package thirdparty

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	configv1alpha1 "github.com/karmada-io/karmada/pkg/apis/config/v1alpha1"
	workv1alpha2 "github.com/karmada-io/karmada/pkg/apis/work/v1alpha2"
	"github.com/karmada-io/karmada/pkg/resourceinterpreter/default/thirdparty/resourcecustomizations"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/yaml"

	"atoll.dev/atoll/apis/karmada/customization"
	"atoll.dev/atoll/pkg/propagation/interpret"
	"atoll.dev/atoll/pkg/propagation/interpret/lua"
)

// sample is one of Karmada's own tests of a customization.
type sample struct {
	Name          string                              `json:"name"`
	DesiredObj    *unstructured.Unstructured          `json:"desiredObj"`
	ObservedObj   *unstructured.Unstructured          `json:"observedObj"`
	StatusItems   []workv1alpha2.AggregatedStatusItem `json:"statusItems"`
	InputReplicas int64                               `json:"inputReplicas"`
	Operation     configv1alpha1.InterpreterOperation `json:"operation"`
	Output        map[string]any                      `json:"output"`
}

func samples(t *testing.T, dir string) []sample {
	t.Helper()
	var all []sample
	files, err := fs.Glob(resourcecustomizations.Embedded, dir+"/testdata/*")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range files {
		raw, err := fs.ReadFile(resourcecustomizations.Embedded, name)
		if err != nil {
			t.Fatal(err)
		}
		decoder := yaml.NewYAMLOrJSONDecoder(bytes.NewReader(raw), 4096)
		for {
			var s sample
			err := decoder.Decode(&s)
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			all = append(all, s)
		}
	}
	return all
}

// The tests that Karmada has of its customizations pass.
func TestKarmadasSamples(t *testing.T) {
	interpreter, err := New(lua.NewEngine(lua.Options{}))
	if err != nil {
		t.Fatal(err)
	}
	ran, compared := 0, 0
	err = fs.WalkDir(resourcecustomizations.Embedded, ".", func(name string, _ fs.DirEntry, err error) error {
		if err != nil || path.Base(name) != file {
			return err
		}
		for _, s := range samples(t, path.Dir(name)) {
			t.Run(fmt.Sprintf("%s/%s/%s", path.Dir(name), s.Operation, s.Name), func(t *testing.T) {
				object := s.ObservedObj
				if object == nil {
					object = s.DesiredObj
				}
				kind := object.GroupVersionKind()
				if want := path.Dir(name); want != kind.Group+"/"+kind.Version+"/"+kind.Kind {
					parts := strings.Split(want, "/")
					kind = schema.GroupVersionKind{Group: parts[0], Version: parts[1], Kind: parts[2]}
				}
				before := object.DeepCopy()
				got, err := ask(t, interpreter.Hooks(kind), s, object)
				if err != nil {
					t.Fatal(err)
				}
				ran++
				if s.Operation != configv1alpha1.InterpreterOperationRetain && !cmp.Equal(before, object) {
					t.Errorf("the object that the script was given has changed: %s", cmp.Diff(before, object))
				}
				for key, want := range s.Output {
					value, ok := got[key]
					if !ok {
						t.Errorf("there is no %s", key)
					}
					compared++
					if object, ok := want.(map[string]any); ok && key == "aggregatedStatus" {
						want = map[string]any{"status": object["status"]} // the rest is not written
					}
					if key == "dependencies" {
						want, value = sorted(plain(t, want)), sorted(plain(t, value))
					}
					if diff := difference(t, want, value); diff != "" {
						t.Errorf("%s (-want +got):\n%s", key, diff)
					}
				}
			})
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if ran < 100 || compared < 50 {
		t.Errorf("%d samples with %d outputs, want more: are they still where they were?", ran, compared)
	}
}

func ask(t *testing.T, h interpret.Hooks, s sample, object *unstructured.Unstructured) (map[string]any, error) {
	ctx := t.Context()
	switch s.Operation {
	case configv1alpha1.InterpreterOperationRetain:
		got, err := h.Retain(ctx, s.DesiredObj, s.ObservedObj)
		return map[string]any{"retained": got}, err
	case configv1alpha1.InterpreterOperationInterpretReplica:
		n, needs, err := h.Replicas(ctx, object)
		return map[string]any{"replica": n, "requires": needs}, err
	case configv1alpha1.InterpreterOperationInterpretComponent:
		got, err := h.Components(ctx, object)
		return map[string]any{"components": got}, err
	case configv1alpha1.InterpreterOperationReviseReplica:
		got, err := h.ReviseReplicas(ctx, object, s.InputReplicas)
		return map[string]any{"revised": got}, err
	case configv1alpha1.InterpreterOperationInterpretStatus:
		got, err := h.ReflectStatus(ctx, object)
		return map[string]any{"status": got}, err
	case configv1alpha1.InterpreterOperationAggregateStatus:
		got, err := h.AggregateStatus(ctx, object, s.StatusItems)
		return map[string]any{"aggregatedStatus": map[string]any{"status": got}}, err
	case configv1alpha1.InterpreterOperationInterpretHealth:
		got, err := h.Healthy(ctx, object)
		return map[string]any{"healthy": got}, err
	case configv1alpha1.InterpreterOperationInterpretDependency:
		got, err := h.Dependencies(ctx, object)
		return map[string]any{"dependencies": got}, err
	}
	t.Fatalf("unknown operation %q", s.Operation)
	return nil, nil
}

// difference compares as JSON, but quantities by their value; fields that the sample excludes are left out.
func difference(t *testing.T, want, got any) string {
	t.Helper()
	// What one side writes as a number the other may write as a quantity.
	numbers := cmp.FilterValues(func(a, b any) bool {
		_, left := a.(float64)
		_, right := b.(float64)
		return left != right
	}, cmp.Comparer(func(a, b any) bool { return fmt.Sprint(a) == fmt.Sprint(b) }))
	return cmp.Diff(plain(t, want), plain(t, got), numbers, cmp.Comparer(func(a, b string) bool {
		if a == b || a == "{{EXCLUDE}}" || b == "{{EXCLUDE}}" {
			return true
		}
		p, err := resource.ParseQuantity(a)
		if err != nil {
			return false
		}
		q, err := resource.ParseQuantity(b)
		return err == nil && p.Equal(q)
	}))
}

// sorted sorts a list: in which order the samples name dependencies is nobody's concern.
func sorted(value any) any {
	list, _ := value.([]any)
	slices.SortFunc(list, func(a, b any) int { return strings.Compare(fmt.Sprint(a), fmt.Sprint(b)) })
	return list
}

func plain(t *testing.T, value any) any {
	t.Helper()
	raw, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	var plain any
	if err := json.Unmarshal(raw, &plain); err != nil {
		t.Fatal(err)
	}
	return normal(plain)
}

// normal leaves out what says nothing: Karmada drops empty lists and maps, we keep those that were given.
func normal(value any) any {
	switch v := value.(type) {
	case []any:
		for i := range v {
			v[i] = normal(v[i])
		}
		if len(v) == 0 {
			return nil
		}
	case map[string]any:
		for name := range v {
			if v[name] = normal(v[name]); v[name] == nil {
				delete(v, name)
			}
		}
		if len(v) == 0 {
			return nil
		}
	}
	return value
}

// Every script compiles, so that no kind fails when it is first met.
func TestScriptsCompile(t *testing.T) {
	all, err := Customizations()
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range all {
		for _, rule := range customization.Rules() {
			if script, set := rule.Script(&c.Spec.Customizations); set {
				if err := customization.Check(script, rule.Function); err != nil {
					t.Errorf("%s of %s %s: %v", rule.Field, c.Spec.Target.APIVersion, c.Spec.Target.Kind, err)
				}
			}
		}
	}
	if len(all) < 27 {
		t.Errorf("%d customizations, Karmada v1.18 has 27", len(all))
	}
}
