package karmadaregistry

import "github.com/karmada-io/karmada/pkg/apis/cluster"

func clusterKinds() []*kind {
	return []*kind{
		define[cluster.Cluster, cluster.ClusterList](kind{
			group: cluster.GroupName, plural: "clusters", singular: "cluster",
			status: true, unconditionalUpdate: true,
			table: clusterTable{},
		}),
	}
}
