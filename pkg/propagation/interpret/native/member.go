package native

import (
	"encoding/json"
	"fmt"

	workv1alpha2 "github.com/karmada-io/karmada/pkg/apis/work/v1alpha2"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
)

// memberStatus is a status as a Work recorded it.
type memberStatus[S any] struct {
	cluster string
	status  S
}

// memberStatuses reads what was recorded; clusters of which there is nothing yet are left out.
func memberStatuses[S any](items []workv1alpha2.AggregatedStatusItem) ([]memberStatus[S], error) {
	var members []memberStatus[S]
	for _, item := range items {
		if item.Status == nil {
			continue
		}
		m := memberStatus[S]{cluster: item.ClusterName}
		if err := json.Unmarshal(item.Status.Raw, &m.status); err != nil {
			return nil, fmt.Errorf("reading the status in cluster %s: %w", item.ClusterName, err)
		}
		members = append(members, m)
	}
	return members, nil
}

// statusOf reads the status of a template, leaving into as it is if there is none.
func statusOf(template *unstructured.Unstructured, into any) error {
	status, ok, err := unstructured.NestedFieldNoCopy(template.Object, "status")
	fields, isMap := status.(map[string]any)
	if err != nil || !ok || !isMap {
		return err
	}
	return runtime.DefaultUnstructuredConverter.FromUnstructured(fields, into)
}

func statusMap(status any) (map[string]any, error) {
	return runtime.DefaultUnstructuredConverter.ToUnstructured(status)
}
