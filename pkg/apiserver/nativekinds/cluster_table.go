package nativekinds

import (
	"context"
	"fmt"
	"strings"

	"k8s.io/apimachinery/pkg/api/meta"
	metatable "k8s.io/apimachinery/pkg/api/meta/table"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/karmada-io/karmada/pkg/apis/cluster"
)

// clusterTable renders Clusters with the columns of Karmada's aggregated API server.
type clusterTable struct{}

var metaDocs = metav1.ObjectMeta{}.SwaggerDoc()

var clusterColumns = []metav1.TableColumnDefinition{
	{Name: "Name", Type: "string", Format: "name", Description: metaDocs["name"]},
	{Name: "Version", Type: "string", Description: "Kubernetes version of the member cluster."},
	{Name: "Mode", Type: "string", Description: "How resources reach the member cluster: Push or Pull."},
	{Name: "Ready", Type: "string", Description: "Whether the member cluster accepts workloads."},
	{Name: "Age", Type: "string", Description: metaDocs["creationTimestamp"]},
	{Name: "Zones", Type: "string", Priority: 1, Description: "Failure zones over which the member cluster extends."},
	{Name: "Region", Type: "string", Priority: 1, Description: "Region in which the member cluster is."},
	{Name: "Provider", Type: "string", Priority: 1, Description: "Provider of the member cluster."},
	{Name: "API-Endpoint", Type: "string", Priority: 1, Description: "Where the member cluster's API server is reached."},
	{Name: "Proxy-URL", Type: "string", Priority: 1, Description: "Proxy through which the API server is reached."},
}

func (clusterTable) ConvertToTable(_ context.Context, obj, options runtime.Object) (*metav1.Table, error) {
	table := &metav1.Table{}
	if opts, ok := options.(*metav1.TableOptions); !ok || opts == nil || !opts.NoHeaders {
		table.ColumnDefinitions = clusterColumns
	}
	if list, err := meta.ListAccessor(obj); err == nil {
		table.ResourceVersion = list.GetResourceVersion()
		table.Continue = list.GetContinue()
		table.RemainingItemCount = list.GetRemainingItemCount()
	} else if single, err := meta.CommonAccessor(obj); err == nil {
		table.ResourceVersion = single.GetResourceVersion()
	}
	var err error
	table.Rows, err = metatable.MetaToTableRow(obj, clusterCells)
	return table, err
}

func clusterCells(obj runtime.Object, _ metav1.Object, name, age string) ([]any, error) {
	c, ok := obj.(*cluster.Cluster)
	if !ok {
		return nil, fmt.Errorf("%T is not a Cluster", obj)
	}
	ready := "Unknown"
	if condition := meta.FindStatusCondition(c.Status.Conditions, cluster.ClusterConditionReady); condition != nil {
		ready = string(condition.Status)
	}
	return []any{
		name, c.Status.KubernetesVersion, string(c.Spec.SyncMode), ready, age,
		orNone(strings.Join(c.Spec.Zones, ",")), orNone(c.Spec.Region), orNone(c.Spec.Provider), c.Spec.APIEndpoint, orNone(c.Spec.ProxyURL),
	}, nil
}

func orNone(s string) string {
	if s == "" {
		return "<none>"
	}
	return s
}
