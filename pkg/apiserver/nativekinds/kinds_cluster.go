package nativekinds

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	genericregistry "k8s.io/apiserver/pkg/registry/generic/registry"
	"k8s.io/apiserver/pkg/registry/rest"

	"github.com/karmada-io/karmada/pkg/apis/cluster"

	"atoll.dev/atoll/apis/karmada/defaults"
	"atoll.dev/atoll/apis/karmada/validation"
)

func clusterKinds(opts Options) []*kind {
	return []*kind{
		define[cluster.Cluster, cluster.ClusterList](kind{
			group: cluster.GroupName, plural: "clusters", singular: "cluster",
			status: true, unconditionalUpdate: true,
			table: clusterTable{},
			prepareForCreate: creating(func(c *cluster.Cluster) {
				defaults.CreateCluster(c, metav1.NewTime(opts.Clock.Now()))
			}),
			prepareForUpdate: updating(func(c, old *cluster.Cluster) {
				defaults.UpdateCluster(c, old, metav1.NewTime(opts.Clock.Now()))
			}),
			validate: on(validation.Cluster), validateStatus: on(validation.ClusterStatus),
			also: func(clusters *genericregistry.Store) map[string]rest.Storage {
				return map[string]rest.Storage{"clusters/proxy": &clusterProxy{clusters: clusters, secret: opts.Secret}}
			},
		}),
	}
}
