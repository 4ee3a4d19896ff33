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

// with returns the template's status with these fields as in status and all others as they are:
// API servers set some themselves.
func with(template *unstructured.Unstructured, status any, fields ...string) (map[string]any, error) {
	given, err := runtime.DefaultUnstructuredConverter.ToUnstructured(status)
	if err != nil {
		return nil, err
	}
	all, _, err := unstructured.NestedMap(template.Object, "status")
	if err != nil {
		return nil, err
	}
	if all == nil {
		all = map[string]any{}
	}
	for _, field := range fields {
		delete(all, field)
		if value, ok := given[field]; ok {
			all[field] = value
		}
	}
	return all, nil
}
