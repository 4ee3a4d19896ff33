package apis

import (
	"encoding/json"
	"math/rand"
	"reflect"
	"testing"

	"k8s.io/apimachinery/pkg/api/apitesting/fuzzer"
	apiequality "k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/api/meta"
	metafuzzer "k8s.io/apimachinery/pkg/apis/meta/fuzzer"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/apimachinery/pkg/util/diff"
	"k8s.io/kube-openapi/pkg/validation/spec"
	"sigs.k8s.io/randfill"

	"atoll.dev/atoll/apis/internalversion"
	schedulingv1alpha1 "atoll.dev/atoll/apis/scheduling/v1alpha1"
)

const (
	fuzzSeed  = 1 // the same objects in every run
	fuzzCount = 20
)

func newScheme() *runtime.Scheme {
	scheme := runtime.NewScheme()
	metav1.AddToGroupVersion(scheme, schema.GroupVersion{Version: "v1"})
	Install(scheme)
	return scheme
}

func fuzzFuncs(serializer.CodecFactory) []any {
	return []any{func(r *runtime.RawExtension, _ randfill.Continue) { r.Raw = []byte(`{"a":1}`) }}
}

// each calls f with every kind of Atoll's own groups.
func each(scheme *runtime.Scheme, f func(gv schema.GroupVersion, kind string, goType reflect.Type)) {
	for _, gv := range served {
		for kind, goType := range scheme.KnownTypes(gv.GroupVersion) {
			if goType.PkgPath() == reflect.TypeOf(gv.example).Elem().PkgPath() {
				f(gv.GroupVersion, kind, goType)
			}
		}
	}
}

// TestRoundTrip fills every kind at random, and wants it back unchanged after it was
// converted to the internal version, to the served one, to JSON and back.
func TestRoundTrip(t *testing.T) {
	scheme := newScheme()
	codecs := serializer.NewCodecFactory(scheme)
	filler := fuzzer.FuzzerFor(fuzzer.MergeFuzzerFuncs(metafuzzer.Funcs, fuzzFuncs), rand.NewSource(fuzzSeed), codecs)
	each(scheme, func(gv schema.GroupVersion, kind string, goType reflect.Type) {
		for range fuzzCount {
			obj := reflect.New(goType).Interface().(runtime.Object)
			filler.Fill(obj)
			scheme.Default(obj)
			obj.GetObjectKind().SetGroupVersionKind(schema.GroupVersionKind{})
			raw, err := runtime.Encode(codecs.LegacyCodec(gv), obj)
			if err != nil {
				t.Fatalf("%s: encoding: %v", kind, err)
			}
			back, err := runtime.Decode(codecs.DecoderToVersion(codecs.UniversalDeserializer(), internalversion.Of(gv.Group)), raw)
			if err != nil {
				t.Fatalf("%s: decoding: %v", kind, err)
			}
			back.GetObjectKind().SetGroupVersionKind(schema.GroupVersionKind{})
			if !apiequality.Semantic.DeepEqual(obj, back) {
				t.Fatalf("%s is not what it was: %s", kind, diff.Diff(obj, back))
			}
			if copied := obj.DeepCopyObject(); !reflect.DeepEqual(obj, copied) {
				t.Fatalf("%s: the deep copy differs: %s", kind, diff.Diff(obj, copied))
			}
		}
	})
}

// TestAnEmptyListOfTaintsIsNotNone wants a change that takes all taints away to be told from none.
func TestAnEmptyListOfTaintsIsNotNone(t *testing.T) {
	for raw, want := range map[string]bool{`{"name":"m1"}`: true, `{"name":"m1","taints":[]}`: false} {
		var c schedulingv1alpha1.ClusterChange
		if err := json.Unmarshal([]byte(raw), &c); err != nil {
			t.Fatal(err)
		}
		if got := c.Taints == nil; got != want {
			t.Errorf("%s: no taints given: %t, want %t", raw, got, want)
		}
		if back, err := json.Marshal(c); err != nil || string(back) != raw {
			t.Errorf("%s became %s (%v)", raw, back, err)
		}
	}
}

// TestOpenAPIIsComplete wants a description of every type, that refers to model names only.
func TestOpenAPIIsComplete(t *testing.T) {
	definitions := OpenAPIDefinitions(func(name string) spec.Ref { return spec.MustCreateRef("#/definitions/" + name) })
	each(newScheme(), func(_ schema.GroupVersion, kind string, goType reflect.Type) {
		obj := reflect.New(goType).Elem().Interface()
		named, ok := obj.(interface{ OpenAPIModelName() string })
		if !ok {
			t.Errorf("%s has no model name: run make generate", kind)
			return
		}
		definition, ok := definitions[named.OpenAPIModelName()]
		if !ok {
			t.Errorf("%s is not described", named.OpenAPIModelName())
		}
		for _, dependency := range definition.Dependencies {
			if modelName(dependency) != dependency {
				t.Errorf("%s refers to %s, which is no model name", kind, dependency)
			}
		}
		if _, err := meta.Accessor(reflect.New(goType).Interface()); err == nil && definition.Schema.Description == "" {
			t.Errorf("%s has no description", kind)
		}
	})
}
