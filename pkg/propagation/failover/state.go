package failover

import (
	"bytes"
	"encoding/json"
	"fmt"

	policyv1alpha1 "github.com/karmada-io/karmada/pkg/apis/policy/v1alpha1"
	workv1alpha2 "github.com/karmada-io/karmada/pkg/apis/work/v1alpha2"
	"k8s.io/client-go/util/jsonpath"
)

// preserved reads the state that the workload's next cluster shall know, from its status in the
// cluster that it leaves. nil without rules.
func preserved(rules *policyv1alpha1.StatePreservation, items []workv1alpha2.AggregatedStatusItem, cluster string) (map[string]string, error) {
	if rules == nil || len(rules.Rules) == 0 {
		return nil, nil
	}
	item := itemOf(items, cluster)
	if item == nil || item.Status == nil || len(item.Status.Raw) == 0 {
		return nil, fmt.Errorf("the application status has not yet been collected from Cluster(%s)", cluster)
	}
	var status any
	if err := json.Unmarshal(item.Status.Raw, &status); err != nil {
		return nil, fmt.Errorf("reading the application status of Cluster(%s): %w", cluster, err)
	}
	state := make(map[string]string, len(rules.Rules))
	for _, rule := range rules.Rules {
		path := jsonpath.New(rule.AliasLabelName).AllowMissingKeys(false)
		if err := path.Parse(rule.JSONPath); err != nil {
			return nil, fmt.Errorf("jsonPath %q of label %s: %w", rule.JSONPath, rule.AliasLabelName, err)
		}
		var value bytes.Buffer
		if err := path.Execute(&value, status); err != nil {
			return nil, fmt.Errorf("jsonPath %q of label %s in the status of Cluster(%s): %w", rule.JSONPath, rule.AliasLabelName, cluster, err)
		}
		state[rule.AliasLabelName] = value.String()
	}
	return state, nil
}

func itemOf(items []workv1alpha2.AggregatedStatusItem, cluster string) *workv1alpha2.AggregatedStatusItem {
	for i := range items {
		if items[i].ClusterName == cluster {
			return &items[i]
		}
	}
	return nil
}
