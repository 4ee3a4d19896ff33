package native

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"

	workv1alpha2 "github.com/karmada-io/karmada/pkg/apis/work/v1alpha2"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
)

// rollout is the status of a kind that counts its replicas and says which generation it has
// observed. A Work records the counts together with generation (the object's in the member) and
// resourceTemplateGeneration (the template's when it was dispatched); statuses add up.
type rollout struct {
	counts []string
}

// What Karmada's Works record for each kind.
var (
	deploymentStatus  = rollout{[]string{"replicas", "updatedReplicas", "readyReplicas", "availableReplicas", "unavailableReplicas"}}
	replicaSetStatus  = rollout{[]string{"replicas", "readyReplicas", "availableReplicas"}}
	statefulSetStatus = rollout{[]string{"availableReplicas", "currentReplicas", "readyReplicas", "replicas", "updatedReplicas"}}
	daemonSetStatus   = rollout{[]string{"currentNumberScheduled", "desiredNumberScheduled", "numberAvailable", "numberMisscheduled", "numberReady", "updatedNumberScheduled", "numberUnavailable"}}
)

const (
	generationField         = "generation"
	templateGenerationField = "resourceTemplateGeneration"
	observedGenerationField = "observedGeneration"
)

// reflect leaves out counts of zero. Karmada leaves observedGeneration out for StatefulSets, whose
// template then never gets one; here it is always there.
func (r rollout) reflect(_ context.Context, observed *unstructured.Unstructured) (*runtime.RawExtension, error) {
	status, ok, err := unstructured.NestedMap(observed.Object, "status")
	if err != nil || !ok {
		return nil, err
	}
	record := map[string]int64{}
	for _, field := range r.counts {
		setCount(record, field, count(status, field))
	}
	setCount(record, observedGenerationField, count(status, observedGenerationField))
	setCount(record, generationField, observed.GetGeneration())
	if given := observed.GetAnnotations()[workv1alpha2.ResourceTemplateGenerationAnnotationKey]; given != "" {
		generation, err := strconv.ParseInt(given, 10, 64)
		if err != nil {
			return nil, fmt.Errorf("annotation %s is %q: want a number", workv1alpha2.ResourceTemplateGenerationAnnotationKey, given)
		}
		setCount(record, templateGenerationField, generation)
	}
	if len(record) == 0 {
		return nil, nil // nothing has been counted yet
	}
	raw, err := json.Marshal(record)
	return &runtime.RawExtension{Raw: raw}, err
}

// aggregate adds up the counts. The template's generation counts as observed when every cluster
// runs it and has observed it: what GitOps tools and kubectl rollout status look at.
func (r rollout) aggregate(_ context.Context, template *unstructured.Unstructured, items []workv1alpha2.AggregatedStatusItem) (map[string]any, error) {
	status, _, err := unstructured.NestedMap(template.Object, "status")
	if err != nil {
		return nil, err
	}
	if status == nil {
		status = map[string]any{}
	}
	sum, upToDate := map[string]int64{}, 0
	for _, item := range items {
		if item.Status == nil {
			continue
		}
		var member map[string]any
		if err := json.Unmarshal(item.Status.Raw, &member); err != nil {
			return nil, fmt.Errorf("reading the status in cluster %s: %w", item.ClusterName, err)
		}
		if count(member, observedGenerationField) >= count(member, generationField) &&
			count(member, templateGenerationField) >= template.GetGeneration() {
			upToDate++
		}
		for _, field := range r.counts {
			sum[field] += count(member, field)
		}
	}
	for _, field := range r.counts {
		status[field] = sum[field]
	}
	if upToDate == len(items) {
		status[observedGenerationField] = template.GetGeneration()
	}
	return status, nil
}

func setCount(record map[string]int64, field string, n int64) {
	if n != 0 {
		record[field] = n
	}
}

// count reads a whole number that may have been decoded either way.
func count(from map[string]any, field string) int64 {
	switch n := from[field].(type) {
	case int64:
		return n
	case float64:
		return int64(n)
	}
	return 0
}

// reflectFields records some fields of the status, nothing while there is no status.
func reflectFields(fields ...string) func(context.Context, *unstructured.Unstructured) (*runtime.RawExtension, error) {
	return func(_ context.Context, observed *unstructured.Unstructured) (*runtime.RawExtension, error) {
		status, ok, err := unstructured.NestedMap(observed.Object, "status")
		if err != nil || !ok {
			return nil, err
		}
		record := map[string]any{}
		for _, field := range fields {
			if value, ok := status[field]; ok {
				record[field] = value
			}
		}
		raw, err := json.Marshal(record)
		return &runtime.RawExtension{Raw: raw}, err
	}
}

// WholeStatus is what a Work records of kinds that nobody interprets: all of the status, nil if there is none.
func WholeStatus(observed *unstructured.Unstructured) (*runtime.RawExtension, error) {
	status, ok := observed.Object["status"]
	if !ok {
		return nil, nil
	}
	raw, err := json.Marshal(status)
	return &runtime.RawExtension{Raw: raw}, err
}
