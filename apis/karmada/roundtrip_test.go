package karmada

import (
	"math/rand"
	"reflect"
	"testing"

	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apimachinery/pkg/api/apitesting/fuzzer"
	apiequality "k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/api/resource"
	metafuzzer "k8s.io/apimachinery/pkg/apis/meta/fuzzer"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/apimachinery/pkg/util/diff"
	"sigs.k8s.io/randfill"

	workv1alpha1 "github.com/karmada-io/karmada/pkg/apis/work/v1alpha1"
	workv1alpha2 "github.com/karmada-io/karmada/pkg/apis/work/v1alpha2"

	"atoll.dev/atoll/apis/internalversion"
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

// fuzzFuncs fill what the general functions cannot: values that are valid as JSON.
func fuzzFuncs(serializer.CodecFactory) []any {
	return []any{
		func(j *apiextensionsv1.JSON, _ randfill.Continue) { j.Raw = []byte(`{"a":1}`) },
		func(m *workv1alpha1.Manifest, _ randfill.Continue) { m.Raw = []byte(`{"kind":"A"}`) },
		func(r *runtime.RawExtension, _ randfill.Continue) { r.Raw = []byte(`{"a":1}`) },
		func(q *resource.Quantity, c randfill.Continue) {
			*q = *resource.NewQuantity(c.Int63n(1000), resource.DecimalSI)
		},
		func(u *uint, c randfill.Continue) { *u = uint(c.Int31()) },
		func(i *int, c randfill.Continue) { *i = int(c.Int31()) },
	}
}

// TestRoundTrip fills every kind at random, and wants it back unchanged after it
// was converted to the internal version, to the served one, to JSON and back.
func TestRoundTrip(t *testing.T) {
	scheme := newScheme()
	codecs := serializer.NewCodecFactory(scheme)
	filler := fuzzer.FuzzerFor(fuzzer.MergeFuzzerFuncs(metafuzzer.Funcs, fuzzFuncs), rand.NewSource(fuzzSeed), codecs)
	for _, gv := range served {
		for kind, goType := range scheme.KnownTypes(gv.GroupVersion) {
			if goType.PkgPath() != reflect.TypeOf(gv.example).Elem().PkgPath() || kind == "ClusterProxyOptions" {
				continue
			}
			if _, err := meta.TypeAccessor(reflect.New(goType).Interface()); err != nil {
				continue // the types that are only in discovery
			}
			t.Run(gv.String()+"/"+kind, func(t *testing.T) {
				for range fuzzCount {
					obj := reflect.New(goType).Interface().(runtime.Object)
					filler.Fill(obj)
					scheme.Default(obj)
					obj.GetObjectKind().SetGroupVersionKind(schema.GroupVersionKind{})
					roundTrip(t, scheme, codecs, gv.GroupVersion, obj)
				}
			})
		}
	}
}

func roundTrip(t *testing.T, scheme *runtime.Scheme, codecs serializer.CodecFactory, gv schema.GroupVersion, obj runtime.Object) {
	t.Helper()
	hub := internalversion.Of(gv.Group)
	kinds, _, err := scheme.ObjectKinds(obj)
	if err != nil {
		t.Fatal(err)
	}
	if !scheme.Recognizes(hub.WithKind(kinds[0].Kind)) {
		hub = gv // ResourceInterpreterContext and the like are never stored
	}
	held, err := scheme.ConvertToVersion(obj.DeepCopyObject(), hub)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := runtime.Encode(codecs.LegacyCodec(gv), held)
	if err != nil {
		t.Fatal(err)
	}
	back, err := runtime.Decode(codecs.UniversalDecoder(gv), raw)
	if err != nil {
		t.Fatal(err)
	}
	back.GetObjectKind().SetGroupVersionKind(schema.GroupVersionKind{})
	if !apiequality.Semantic.DeepEqual(obj, back) {
		t.Fatalf("came back changed: %s", diff.Diff(obj, back))
	}
}

// TestInternalTypes wants every kind that is stored to have an internal type, and
// the bindings of both versions to share one.
func TestInternalTypes(t *testing.T) {
	scheme := newScheme()
	for _, gv := range served {
		for kind, goType := range scheme.KnownTypes(gv.GroupVersion) {
			if goType.PkgPath() == reflect.TypeOf(gv.example).Elem().PkgPath() && !scheme.Recognizes(internalversion.Of(gv.Group).WithKind(kind)) {
				t.Errorf("%s has no internal type", gv.WithKind(kind))
			}
		}
		if got := scheme.PrioritizedVersionsForGroup(gv.Group); len(got) == 0 || (gv.Group == workv1alpha2.GroupName && got[0] != workv1alpha2.SchemeGroupVersion) {
			t.Errorf("versions of %s are %v", gv.Group, got)
		}
	}
	for _, kind := range []string{"ResourceBinding", "ClusterResourceBindingList"} {
		obj, err := scheme.New(internalversion.Of(workv1alpha2.GroupName).WithKind(kind))
		if err != nil || reflect.TypeOf(obj).Elem().PkgPath() != reflect.TypeOf(workv1alpha2.ResourceBinding{}).PkgPath() {
			t.Errorf("internal %s is %T (%v), want that of v1alpha2", kind, obj, err)
		}
	}
}

// TestKeepSpec: a binding written through v1alpha1 keeps what v1alpha1 cannot express.
func TestKeepSpec(t *testing.T) {
	filler := fuzzer.FuzzerFor(fuzzer.MergeFuzzerFuncs(metafuzzer.Funcs, fuzzFuncs), rand.NewSource(fuzzSeed), serializer.NewCodecFactory(newScheme()))
	for range fuzzCount {
		stored := &workv1alpha2.ResourceBinding{}
		filler.Fill(stored)
		view, written := &workv1alpha1.ResourceBinding{}, &workv1alpha2.ResourceBinding{}
		if err := view.ConvertFrom(stored); err != nil {
			t.Fatal(err)
		}
		if err := view.ConvertTo(written); err != nil {
			t.Fatal(err)
		}
		KeepSpec(&written.Spec, &stored.Spec)
		KeepStatus(&written.Status, &stored.Status)
		if !apiequality.Semantic.DeepEqual(stored.Spec, written.Spec) {
			t.Errorf("unchanged view changes the specification: %s", diff.Diff(stored.Spec, written.Spec))
		}
		if !apiequality.Semantic.DeepEqual(stored.Status, written.Status) {
			t.Errorf("unchanged view changes the status: %s", diff.Diff(stored.Status, written.Status))
		}
		before := stored.DeepCopy()
		written.Spec = workv1alpha2.ResourceBindingSpec{Resource: workv1alpha2.ObjectReference{Name: "another"}, Replicas: 3}
		KeepSpec(&written.Spec, &stored.Spec)
		if written.Spec.Resource.UID != "" || written.Spec.Replicas != 3 || len(written.Spec.Clusters) != 0 {
			t.Errorf("what v1alpha1 wrote is %+v", written.Spec)
		}
		if !reflect.DeepEqual(before, stored) {
			t.Error("the stored binding was changed")
		}
	}
}
