package tree

import (
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Node is one object in a tree of what became of a template.
type Node struct {
	Kind      string `json:"kind"`
	Namespace string `json:"namespace,omitempty"`
	Name      string `json:"name"`
	// Ready is True, False or Unknown. A node is at most as ready as what is below it.
	Ready metav1.ConditionStatus `json:"ready"`
	// Reason is one word, a condition's reason where one applies.
	Reason string `json:"reason,omitempty"`
	// Message tells what is so, or what is in the way.
	Message string `json:"message,omitempty"`
	// Since is when it became so, if that is known.
	Since    *metav1.Time `json:"since,omitempty"`
	Children []*Node      `json:"children,omitempty"`
}

func (n *Node) title() string {
	if n.Namespace != "" {
		return n.Kind + " " + n.Namespace + "/" + n.Name
	}
	return n.Kind + " " + n.Name
}

func (n *Node) is(ready metav1.ConditionStatus, reason, format string, args ...any) *Node {
	n.Ready, n.Reason, n.Message = ready, reason, fmt.Sprintf(format, args...)
	return n
}

func (n *Node) fromCondition(c *metav1.Condition) *Node {
	n.Ready, n.Reason, n.Message, n.Since = c.Status, c.Reason, c.Message, &c.LastTransitionTime
	return n
}

// weigh makes the node no readier than its children, and counts those that are ready as things.
// It leaves alone a node that is not ready by itself: its own reason is nearer to the cause.
func (n *Node) weigh(things string) *Node {
	ready, worst := 0, metav1.ConditionTrue
	for _, c := range n.Children {
		switch c.Ready {
		case metav1.ConditionTrue:
			ready++
		case metav1.ConditionFalse:
			worst = metav1.ConditionFalse
		default:
			if worst == metav1.ConditionTrue {
				worst = metav1.ConditionUnknown
			}
		}
	}
	if len(n.Children) == 0 || (n.Ready != "" && n.Ready != metav1.ConditionTrue) {
		return n
	}
	n.Ready = worst
	if things != "" {
		n.Message = fmt.Sprintf("%d of %d %s ready", ready, len(n.Children), things)
	}
	if worst != metav1.ConditionTrue {
		n.Reason = ""
	}
	return n
}
