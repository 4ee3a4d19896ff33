package placement

import (
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"atoll.dev/atoll/apis/scheduling/v1alpha1"
)

const setForm = "CLUSTER.FIELD=VALUE with FIELD labels.KEY, taints, provider, region or zones"

// Changes reads what clusters are to be thought of as: settings of the form
// CLUSTER.FIELD=VALUE, and the names of clusters that fail.
func Changes(settings, failed []string) (v1alpha1.Changes, error) {
	var changes v1alpha1.Changes
	of := func(name string) *v1alpha1.ClusterChange {
		i := slices.IndexFunc(changes.Clusters, func(c v1alpha1.ClusterChange) bool { return c.Name == name })
		if i < 0 {
			changes.Clusters = append(changes.Clusters, v1alpha1.ClusterChange{Name: name})
			i = len(changes.Clusters) - 1
		}
		return &changes.Clusters[i]
	}
	for _, setting := range settings {
		cluster, rest, ok := strings.Cut(setting, ".")
		if !ok || cluster == "" {
			return changes, fmt.Errorf("--set-cluster %s: want %s", setting, setForm)
		}
		if err := set(of(cluster), rest); err != nil {
			return changes, fmt.Errorf("--set-cluster %s: %w", setting, err)
		}
	}
	for _, name := range failed {
		c := of(name)
		if !(c.Labels == nil && c.RemoveLabels == nil && c.Taints == nil && c.Provider == nil && c.Region == nil && c.Zones == nil) {
			return changes, fmt.Errorf("--fail %s: there is a --set-cluster for the same cluster; give one of the two", name)
		}
		c.Fail = true
	}
	return changes, nil
}

func set(c *v1alpha1.ClusterChange, setting string) error {
	field, value, assigned := strings.Cut(setting, "=")
	if key, ok := strings.CutPrefix(field, "labels."); ok {
		return setLabel(c, key, value, assigned)
	}
	if !assigned {
		return fmt.Errorf("%q has no value; want %s", field, setForm)
	}
	switch field {
	case "provider":
		c.Provider = &value
	case "region":
		c.Region = &value
	case "zones", "zone":
		c.Zones = list(value)
	case "taints", "taint":
		taints := []corev1.Taint{}
		for _, text := range list(value) {
			t, err := taint(text)
			if err != nil {
				return err
			}
			taints = append(taints, t)
		}
		c.Taints = taints
	default:
		return fmt.Errorf("%q is no field that can be set; want %s", field, setForm)
	}
	return nil
}

// setLabel takes KEY=VALUE, or KEY- to remove a label, as kubectl does.
func setLabel(c *v1alpha1.ClusterChange, key, value string, assigned bool) error {
	if assigned && key != "" {
		if c.Labels == nil {
			c.Labels = map[string]string{}
		}
		c.Labels[key] = value
		return nil
	}
	removed, ok := strings.CutSuffix(key, "-")
	if !ok || removed == "" {
		return fmt.Errorf("want labels.KEY=VALUE, or labels.KEY- to remove the label")
	}
	c.RemoveLabels = append(c.RemoveLabels, removed)
	return nil
}

func taint(text string) (corev1.Taint, error) {
	keyAndValue, effect, ok := strings.Cut(text, ":")
	key, value, _ := strings.Cut(keyAndValue, "=")
	if !ok || key == "" {
		return corev1.Taint{}, fmt.Errorf("taint %q: want KEY=VALUE:EFFECT or KEY:EFFECT, with effect NoSchedule or NoExecute", text)
	}
	return corev1.Taint{Key: key, Value: value, Effect: corev1.TaintEffect(effect)}, nil
}

// list splits at commas; an empty text is an empty list.
func list(text string) []string {
	parts := []string{}
	for part := range strings.SplitSeq(text, ",") {
		if part = strings.TrimSpace(part); part != "" {
			parts = append(parts, part)
		}
	}
	return parts
}
