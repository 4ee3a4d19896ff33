package nativekinds

import (
	"context"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/apiserver/pkg/endpoints/request"
	genericregistry "k8s.io/apiserver/pkg/registry/generic/registry"
	"k8s.io/apiserver/pkg/registry/rest"

	workv1alpha1 "github.com/karmada-io/karmada/pkg/apis/work/v1alpha1"
	workv1alpha2 "github.com/karmada-io/karmada/pkg/apis/work/v1alpha2"

	"atoll.dev/atoll/apis/karmada"
	"atoll.dev/atoll/apis/karmada/defaults"
	"atoll.dev/atoll/apis/karmada/validation"
	"atoll.dev/atoll/apis/karmada/wellknown"
	"atoll.dev/atoll/apis/scheduling/decision"
)

func workKinds() []*kind {
	return []*kind{
		define[workv1alpha2.ResourceBinding, workv1alpha2.ResourceBindingList](bindingKind(
			kind{
				plural: "resourcebindings", singular: "resourcebinding", shortNames: []string{"rb"}, namespaced: true,
				prepareForCreate: creating(defaults.CreateResourceBinding),
			},
			validation.ResourceBinding, validation.ResourceBindingStatus,
			func(b *workv1alpha2.ResourceBinding) (*workv1alpha2.ResourceBindingSpec, *workv1alpha2.ResourceBindingStatus) {
				return &b.Spec, &b.Status
			})),
		define[workv1alpha2.ClusterResourceBinding, workv1alpha2.ClusterResourceBindingList](bindingKind(
			kind{
				plural: "clusterresourcebindings", singular: "clusterresourcebinding", shortNames: []string{"crb"},
				prepareForCreate: creating(defaults.CreateClusterResourceBinding),
			},
			validation.ClusterResourceBinding, validation.ClusterResourceBindingStatus,
			func(b *workv1alpha2.ClusterResourceBinding) (*workv1alpha2.ResourceBindingSpec, *workv1alpha2.ResourceBindingStatus) {
				return &b.Spec, &b.Status
			})),
		define[workv1alpha1.Work, workv1alpha1.WorkList](kind{
			group: workv1alpha1.GroupName, plural: "works", singular: "work",
			shortNames: []string{"wk"}, categories: []string{karmadaCategory}, namespaced: true, status: true,
			columns:          []column{text("WORKLOAD-KIND", ".spec.workload.manifests[*].kind"), conditionStatus("APPLIED", workv1alpha1.WorkApplied), age("AGE")},
			prepareForCreate: creating(func(w *workv1alpha1.Work) { defaults.WriteWork(w, nil) }),
			prepareForUpdate: updating(defaults.WriteWork),
			validate:         on(validation.Work), validateStatus: on(validation.WorkStatus),
		}),
	}
}

// binding is a ResourceBinding or a ClusterResourceBinding.
type binding interface {
	runtime.Object
	GetAnnotations() map[string]string
}

// bindingKind completes the descriptor of a kind of binding. Both kinds are the
// same but for their names and scope.
func bindingKind[B binding](k kind, validate, validateStatus func(B) field.ErrorList,
	parts func(B) (*workv1alpha2.ResourceBindingSpec, *workv1alpha2.ResourceBindingStatus)) kind {
	k.group, k.status, k.categories = workv1alpha2.GroupName, true, []string{karmadaCategory}
	k.versions = []servedVersion{
		{name: v1alpha2, columns: []column{conditionStatus("SCHEDULED", workv1alpha2.Scheduled), conditionStatus("FULLYAPPLIED", workv1alpha2.FullyApplied), age("AGE")}},
		{name: v1alpha1},
	}
	k.prepareForUpdate = func(ctx context.Context, obj, old runtime.Object) {
		if throughV1alpha1(ctx) {
			spec, _ := parts(obj.(B))
			oldSpec, _ := parts(old.(B))
			karmada.KeepSpec(spec, oldSpec)
		}
	}
	k.prepareForStatusUpdate = func(ctx context.Context, obj, old runtime.Object) {
		if throughV1alpha1(ctx) {
			_, status := parts(obj.(B))
			_, oldStatus := parts(old.(B))
			karmada.KeepStatus(status, oldStatus)
		}
	}
	k.validate = on(func(b B) field.ErrorList {
		return append(validate(b), validation.BindingAnnotations(b.GetAnnotations())...)
	})
	k.validateUpdate = onBoth(func(b, old B) field.ErrorList {
		if b.GetAnnotations()[wellknown.DependenciesAnnotation] == old.GetAnnotations()[wellknown.DependenciesAnnotation] {
			return nil
		}
		return validation.BindingAnnotations(b.GetAnnotations())
	})
	k.validateStatus = on(validateStatus)
	k.also = func(store *genericregistry.Store) map[string]rest.Storage {
		return map[string]rest.Storage{k.plural + "/" + decision.Subresource: &schedule{store: store,
			parts: func(obj runtime.Object) (*workv1alpha2.ResourceBindingSpec, *workv1alpha2.ResourceBindingStatus) {
				return parts(obj.(B))
			}}}
	}
	return k
}

// throughV1alpha1 tells whether a request writes through work/v1alpha1, which
// knows only a part of a binding.
func throughV1alpha1(ctx context.Context) bool {
	info, ok := request.RequestInfoFrom(ctx)
	return ok && info.APIVersion == v1alpha1
}
