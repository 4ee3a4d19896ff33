package karmadaregistry

import (
	workv1alpha1 "github.com/karmada-io/karmada/pkg/apis/work/v1alpha1"
	workv1alpha2 "github.com/karmada-io/karmada/pkg/apis/work/v1alpha2"
)

func workKinds() []*kind {
	bindingVersions := []servedVersion{
		{name: v1alpha2, columns: []column{conditionStatus("SCHEDULED", workv1alpha2.Scheduled), conditionStatus("FULLYAPPLIED", workv1alpha2.FullyApplied), age("AGE")}},
		{name: v1alpha1},
	}
	return []*kind{
		define[workv1alpha2.ResourceBinding, workv1alpha2.ResourceBindingList](kind{
			group: workv1alpha2.GroupName, plural: "resourcebindings", singular: "resourcebinding",
			shortNames: []string{"rb"}, categories: []string{karmadaCategory}, namespaced: true, status: true,
			versions: bindingVersions,
		}),
		define[workv1alpha2.ClusterResourceBinding, workv1alpha2.ClusterResourceBindingList](kind{
			group: workv1alpha2.GroupName, plural: "clusterresourcebindings", singular: "clusterresourcebinding",
			shortNames: []string{"crb"}, categories: []string{karmadaCategory}, status: true,
			versions: bindingVersions,
		}),
		define[workv1alpha1.Work, workv1alpha1.WorkList](kind{
			group: workv1alpha1.GroupName, plural: "works", singular: "work",
			shortNames: []string{"wk"}, categories: []string{karmadaCategory}, namespaced: true, status: true,
			columns: []column{text("WORKLOAD-KIND", ".spec.workload.manifests[*].kind"), conditionStatus("APPLIED", workv1alpha1.WorkApplied), age("AGE")},
		}),
	}
}
