package placement

import (
	"fmt"
	"strconv"
	"strings"

	"atoll.dev/atoll/apis/scheduling/v1alpha1"
)

func title(t v1alpha1.TemplateReference) string {
	if t.Namespace == "" {
		return t.Kind + " " + t.Name
	}
	return t.Kind + " " + t.Namespace + "/" + t.Name
}

func bindingName(b *v1alpha1.BindingReference) string {
	switch {
	case b == nil:
		return ""
	case b.Namespace == "":
		return "ClusterResourceBinding/" + b.Name
	}
	return "ResourceBinding/" + b.Namespace + "/" + b.Name
}

// assignment writes "m1 (2), m2 (1)", or names alone where there are no replicas.
func assignment(list []v1alpha1.ClusterReplicas, omitted int32) string {
	if len(list) == 0 {
		return "no cluster"
	}
	var parts []string
	for i, c := range list {
		if i == shownNames {
			omitted += int32(len(list) - i)
			break
		}
		if c.Replicas == 0 {
			parts = append(parts, c.Cluster)
		} else {
			parts = append(parts, fmt.Sprintf("%s (%d)", c.Cluster, c.Replicas))
		}
	}
	text := strings.Join(parts, ", ")
	if omitted > 0 {
		text += fmt.Sprintf(" and %d more", omitted)
	}
	return text
}

func replicasByCluster(list []v1alpha1.ClusterReplicas) map[string]int32 {
	by := make(map[string]int32, len(list))
	for _, c := range list {
		by[c.Cluster] = c.Replicas
	}
	return by
}

// same tells whether two assignments are the same but for their order.
func same(a, b []v1alpha1.ClusterReplicas) bool {
	before := replicasByCluster(a)
	for _, c := range b {
		if n, ok := before[c.Cluster]; !ok || n != c.Replicas {
			return false
		}
	}
	return len(a) == len(b)
}

func dash(text string) string {
	if text == "" {
		return "-"
	}
	return text
}

func number(n *int64) string {
	if n == nil {
		return "-"
	}
	return strconv.FormatInt(*n, 10)
}
