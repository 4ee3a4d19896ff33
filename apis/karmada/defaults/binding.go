package defaults

import workv1alpha2 "github.com/karmada-io/karmada/pkg/apis/work/v1alpha2"

// CreateResourceBinding gives a ResourceBinding that is being created a permanent ID, unless it has one.
func CreateResourceBinding(b *workv1alpha2.ResourceBinding) {
	ensureID(b, workv1alpha2.ResourceBindingPermanentIDLabel)
}

// CreateClusterResourceBinding gives a ClusterResourceBinding that is being created a permanent ID, unless it has one.
func CreateClusterResourceBinding(b *workv1alpha2.ClusterResourceBinding) {
	ensureID(b, workv1alpha2.ClusterResourceBindingPermanentIDLabel)
}
