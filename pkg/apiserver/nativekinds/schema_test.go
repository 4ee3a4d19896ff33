package nativekinds

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/apimachinery/pkg/util/validation/field"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
	testingclock "k8s.io/utils/clock/testing"
	"sigs.k8s.io/yaml"
)

// unenforced are the constraints of Karmada's CRD schemas that our strategies do
// not refuse to violate, by kind and path, with the reason. All of them are
// required fields whose empty value is valid.
var unenforced = map[string]string{
	"OverridePolicy .spec":                                   sameAsEmpty,
	"OverridePolicy .spec.overrideRules[].overriders":        sameAsEmpty,
	"ClusterOverridePolicy .spec":                            sameAsEmpty,
	"ClusterOverridePolicy .spec.overrideRules[].overriders": sameAsEmpty,
	"Remedy .spec": sameAsEmpty,
	"Work .spec":   sameAsEmpty,
	"ResourceInterpreterCustomization .spec.customizations": sameAsEmpty,

	"* .spec.overrideRules[].overriders.fieldOverrider[].json[].subPath": emptyPointer,
	"* .spec.overrideRules[].overriders.fieldOverrider[].yaml[].subPath": emptyPointer,
	"* .spec.overriders.fieldOverrider[].json[].subPath":                 emptyPointer,
	"* .spec.overriders.fieldOverrider[].yaml[].subPath":                 emptyPointer,

	"* .spec.placement.replicaScheduling.weightPreference.staticWeightList[].targetCluster": sameAsEmpty + ": all clusters",
	"* .spec.failover.application.decisionConditions":                                       sameAsEmpty + ": it is defaulted",
	"* .spec.components[].replicas":                                                         sameAsZero,

	"* .status.conditions[].message":                                  sameAsZero,
	"Work .status.manifestStatuses[].identifier.ordinal":              sameAsZero,
	"Work .status.manifestStatuses[].identifier.resource":             "Karmada's own controllers write an empty one",
	"FederatedHPA .status.desiredReplicas":                            sameAsZero,
	"FederatedHPA .status.currentMetrics[].external.current":          sameAsEmpty,
	"FederatedHPA .status.currentMetrics[].object.current":            sameAsEmpty,
	"FederatedHPA .status.currentMetrics[].pods.current":              sameAsEmpty,
	"FederatedHPA .status.currentMetrics[].resource.current":          sameAsEmpty,
	"FederatedHPA .status.currentMetrics[].containerResource.current": sameAsEmpty,
}

const (
	sameAsEmpty  = "an absent object and an empty one are the same in Go, and the empty one is valid"
	sameAsZero   = "an absent value and a zero one are the same in Go, and zero is valid"
	emptyPointer = "an absent JSON pointer and an empty one are the same in Go, and the empty one is valid: it is the whole document"
)

// constraint is one rule of a schema, or one default.
type constraint struct {
	path  []string // property names, "[]" for an element of a list, "{}" for a value of a map
	rule  string
	limit any
}

func (c constraint) field() string {
	s := ""
	for _, p := range c.path {
		if p == "[]" || p == "{}" {
			s += p
		} else {
			s += "." + p
		}
	}
	return s
}

// constraintsOf collects the rules of a schema. List types other than map and
// set, and preserve-unknown-fields, do not restrict what is valid.
func constraintsOf(s *apiextensionsv1.JSONSchemaProps, path []string) []constraint {
	at := append([]string(nil), path...)
	var all []constraint
	add := func(rule string, limit any) { all = append(all, constraint{at, rule, limit}) }
	if len(s.Enum) > 0 {
		add("enum", nil)
	}
	if s.Minimum != nil {
		add("minimum", *s.Minimum)
	}
	if s.Maximum != nil {
		add("maximum", *s.Maximum)
	}
	if s.Pattern != "" {
		add("pattern", nil)
	}
	if s.MinLength != nil {
		add("minLength", *s.MinLength)
	}
	if s.MaxLength != nil {
		add("maxLength", *s.MaxLength)
	}
	if s.MinItems != nil {
		add("minItems", *s.MinItems)
	}
	if s.MaxItems != nil {
		add("maxItems", *s.MaxItems)
	}
	if s.Format == "byte" || s.Format == "date-time" {
		add("format", s.Format)
	}
	if s.XListType != nil && (*s.XListType == "map" || *s.XListType == "set") {
		add("unique", nil)
	}
	for range s.XValidations {
		add("x-kubernetes-validations", nil)
	}
	if s.Default != nil {
		var value any
		if err := json.Unmarshal(s.Default.Raw, &value); err != nil {
			panic(err)
		}
		add("default", value)
	}
	for _, name := range s.Required {
		all = append(all, constraint{append(append([]string(nil), at...), name), "required", nil})
	}
	for name := range s.Properties {
		property := s.Properties[name]
		if len(path) == 0 && (name == "metadata" || name == "kind" || name == "apiVersion") {
			continue
		}
		all = append(all, constraintsOf(&property, append(at, name))...)
	}
	if s.Items != nil && s.Items.Schema != nil {
		all = append(all, constraintsOf(s.Items.Schema, append(at, "[]"))...)
	}
	if s.AdditionalProperties != nil && s.AdditionalProperties.Schema != nil {
		all = append(all, constraintsOf(s.AdditionalProperties.Schema, append(at, "{}"))...)
	}
	return all
}

// violate returns a copy of the sample that violates the constraint (or leaves
// its default out), the field's path, and whether the sample has the field.
func violate(sample map[string]any, c constraint) (violated map[string]any, path *field.Path, ok bool) {
	violated = runtime.DeepCopyJSON(sample)
	var parent any = violated
	for i, step := range c.path {
		last := i == len(c.path)-1
		switch node := parent.(type) {
		case map[string]any:
			key := step
			if step == "{}" {
				for key = range node {
					break
				}
				path = path.Key(key)
			} else {
				path = path.Child(key)
			}
			if _, found := node[key]; !found {
				return nil, nil, false
			}
			if last {
				if c.rule == "required" || c.rule == "default" {
					delete(node, key)
				} else {
					node[key] = violation(node[key], c)
				}
			}
			parent = node[key]
		case []any:
			if len(node) == 0 {
				return nil, nil, false
			}
			path = path.Index(0)
			if last {
				node[0] = violation(node[0], c)
			}
			parent = node[0]
			if !last && !hasPath(parent, c.path[i+1:]) { // another element may have the field
				for j := range node {
					if hasPath(node[j], c.path[i+1:]) {
						parent, path = node[j], parentOf(c.path[:i], violated, j)
						break
					}
				}
			}
		default:
			return nil, nil, false
		}
	}
	return violated, path, true
}

func parentOf(steps []string, root map[string]any, index int) *field.Path {
	var path *field.Path
	for _, step := range steps {
		if step == "[]" {
			path = path.Index(0)
		} else {
			path = path.Child(step)
		}
	}
	return path.Index(index)
}

func hasPath(node any, steps []string) bool {
	for _, step := range steps {
		switch typed := node.(type) {
		case map[string]any:
			value, found := typed[step]
			if step == "{}" {
				for _, value = range typed {
					found = true
				}
			}
			if !found {
				return false
			}
			node = value
		case []any:
			if len(typed) == 0 {
				return false
			}
			node = typed[0]
		default:
			return false
		}
	}
	return true
}

func violation(value any, c constraint) any {
	switch c.rule {
	case "enum":
		return "NoSuchValue"
	case "pattern", "format":
		return "!not valid!"
	case "minimum":
		return int64(c.limit.(float64)) - 1
	case "maximum":
		return int64(c.limit.(float64)) + 1
	case "minLength":
		return strings.Repeat("a", int(c.limit.(int64))-1)
	case "maxLength":
		return strings.Repeat("a", int(c.limit.(int64))+1)
	case "minItems":
		return value.([]any)[:c.limit.(int64)-1]
	case "unique":
		return append(value.([]any), runtime.DeepCopyJSONValue(value.([]any)[0]))
	}
	panic("no way to violate " + c.rule)
}

// TestSchemaConstraintsAreEnforced takes every constraint of every CRD of Karmada,
// violates it in a sample that is valid otherwise, and wants a refusal that names
// the field; and it leaves out every field with a default, and wants the default.
func TestSchemaConstraintsAreEnforced(t *testing.T) {
	scheme := plane.scheme
	excused := map[string]bool{}
	for _, crd := range karmadaCRDs(t) {
		samples := samplesOf(t, strings.ToLower(crd.Spec.Names.Kind))
		for _, version := range crd.Spec.Versions {
			name := crd.Spec.Names.Kind + "/" + version.Name
			gv := schema.GroupVersion{Group: crd.Spec.Group, Version: version.Name}
			k := kindOf(t, crd.Spec.Group, crd.Spec.Names.Plural)
			writer := newWriter(scheme, k, gv)
			var ofVersion []map[string]any
			for _, sample := range samples {
				if sample["apiVersion"] == gv.String() {
					ofVersion = append(ofVersion, sample)
				}
			}
			for i, sample := range ofVersion {
				if errs := writer.create(sample); len(errs) > 0 {
					t.Errorf("%s: sample %d is refused: %v", name, i, errs)
				}
				if errs := writer.updateStatus(sample, sample); len(errs) > 0 {
					t.Errorf("%s: status of sample %d is refused: %v", name, i, errs)
				}
			}
			for _, c := range constraintsOf(version.Schema.OpenAPIV3Schema, nil) {
				excuse := ""
				for _, id := range []string{crd.Spec.Names.Kind + " " + c.field(), "* " + c.field()} {
					if unenforced[id] != "" && c.rule == "required" {
						excuse, excused[id] = unenforced[id], true
					}
				}
				t.Run(name+c.field()+":"+c.rule, func(t *testing.T) { checkConstraint(t, writer, ofVersion, c, excuse) })
			}
		}
	}
	for id := range unenforced {
		if !excused[id] {
			t.Errorf("%s is excused and no constraint of Karmada's schemas", id)
		}
	}
}

func checkConstraint(t *testing.T, w *writer, samples []map[string]any, c constraint, excuse string) {
	for _, sample := range samples {
		violated, path, ok := violate(sample, c)
		if !ok {
			continue
		}
		if c.rule == "default" {
			if got := w.defaulted(t, violated, c.path); !reflect.DeepEqual(got, c.limit) {
				t.Errorf("default is %v, want %v", got, c.limit)
			}
			return
		}
		var errs field.ErrorList
		if c.path[0] == "status" && w.kind.status {
			errs = w.updateStatus(violated, sample)
		} else {
			errs = w.create(violated)
		}
		switch {
		case excuse != "" && len(errs) > 0:
			t.Errorf("is refused and excused as not enforced (%s): %v", excuse, errs)
		case excuse == "" && !blames(errs, path):
			t.Errorf("violation at %s is not refused by name: %v", path, errs)
		}
		return
	}
	t.Errorf("no sample has the field")
}

// blames tells whether an error is about the field, about something in it, or
// about what it is in. An object that cannot be decoded has no error with a field.
func blames(errs field.ErrorList, path *field.Path) bool {
	for _, err := range errs {
		if err.Field == undecodable || strings.HasPrefix(err.Field, path.String()) || strings.HasPrefix(path.String(), err.Field) {
			return true
		}
	}
	return false
}

const undecodable = "(undecodable)"

// writer writes objects of one kind as the API server does, but for storing them.
type writer struct {
	kind     *kind
	strategy *strategy
	version  schema.GroupVersion
	codecs   serializer.CodecFactory
}

func newWriter(scheme *runtime.Scheme, k *kind, version schema.GroupVersion) *writer {
	return &writer{kind: k, strategy: newStrategy(scheme, k), version: version, codecs: serializer.NewCodecFactory(scheme, serializer.EnableStrict)}
}

func (w *writer) decode(object map[string]any) (runtime.Object, error) {
	raw, err := json.Marshal(object)
	if err != nil {
		return nil, err
	}
	return runtime.Decode(w.codecs.UniversalDecoder(schema.GroupVersion{Group: w.version.Group, Version: runtime.APIVersionInternal}), raw)
}

func (w *writer) create(object map[string]any) field.ErrorList {
	obj, err := w.decode(object)
	if err != nil {
		return field.ErrorList{{Type: field.ErrorTypeTypeInvalid, Field: undecodable, Detail: err.Error()}}
	}
	w.strategy.PrepareForCreate(context.Background(), obj)
	return w.strategy.Validate(context.Background(), obj)
}

func (w *writer) updateStatus(object, old map[string]any) field.ErrorList {
	if !w.kind.status {
		return nil
	}
	obj, err := w.decode(object)
	if err != nil {
		return field.ErrorList{{Type: field.ErrorTypeTypeInvalid, Field: undecodable, Detail: err.Error()}}
	}
	withoutStatus := runtime.DeepCopyJSON(old)
	delete(withoutStatus, "status")
	withoutStatus["metadata"].(map[string]any)["resourceVersion"] = "1"
	oldObj, err := w.decode(withoutStatus)
	if err != nil {
		return field.ErrorList{field.InternalError(nil, err)}
	}
	status := statusStrategy{w.strategy}
	status.PrepareForUpdate(context.Background(), obj, oldObj)
	return status.ValidateUpdate(context.Background(), obj, oldObj)
}

// defaulted returns the value at the path after the object went through the API
// server. A zero value that is left out of the JSON form is the Go zero value.
func (w *writer) defaulted(t *testing.T, object map[string]any, path []string) any {
	obj, err := w.decode(object)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := runtime.Encode(w.codecs.LegacyCodec(w.version), obj)
	if err != nil {
		t.Fatal(err)
	}
	var node any
	if err := json.Unmarshal(raw, &node); err != nil {
		t.Fatal(err)
	}
	for _, step := range path {
		switch typed := node.(type) {
		case map[string]any:
			node = typed[step]
		case []any:
			node = typed[0]
		}
	}
	if node == nil {
		return float64(0)
	}
	return node
}

func kindOf(t *testing.T, group, plural string) *kind {
	t.Helper()
	for _, k := range kinds(Options{Clock: testingclock.NewFakePassiveClock(created)}) {
		if k.group == group && k.plural == plural {
			return k
		}
	}
	t.Fatalf("%s.%s is not stored", plural, group)
	return nil
}

// karmadaCRDs reads the CRDs of the Karmada module. Those of the mcs-api stay CRDs and are left out.
func karmadaCRDs(t *testing.T) []*apiextensionsv1.CustomResourceDefinition {
	t.Helper()
	dir, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/karmada-io/karmada").Output()
	if err != nil {
		t.Fatalf("finding the Karmada module: %v", err)
	}
	files, err := filepath.Glob(filepath.Join(strings.TrimSpace(string(dir)), "charts/karmada/_crds/bases/*/*.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	var crds []*apiextensionsv1.CustomResourceDefinition
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		crd := &apiextensionsv1.CustomResourceDefinition{}
		if err := yaml.Unmarshal(raw, crd); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		if strings.HasSuffix(crd.Spec.Group, "karmada.io") {
			crds = append(crds, crd)
		}
	}
	if len(crds) < 17 {
		t.Fatalf("found %d CRDs of Karmada, want 17", len(crds))
	}
	return crds
}

// samplesOf reads the samples of a kind: every field of its schema is in one of them.
func samplesOf(t *testing.T, kind string) []map[string]any {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join("testdata", "samples", kind+".yaml"))
	if err != nil {
		t.Fatal(err)
	}
	var samples []map[string]any
	decoder := utilyaml.NewYAMLOrJSONDecoder(bytes.NewReader(raw), math.MaxInt16)
	for {
		sample := &unstructured.Unstructured{}
		if err := decoder.Decode(sample); err == io.EOF {
			return samples
		} else if err != nil {
			t.Fatal(fmt.Errorf("samples of %s: %w", kind, err))
		}
		samples = append(samples, sample.Object)
	}
}
