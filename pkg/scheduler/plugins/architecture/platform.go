package architecture

import (
	"maps"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/selection"

	workv1alpha2 "github.com/karmada-io/karmada/pkg/apis/work/v1alpha2"

	"atoll.dev/atoll/pkg/propagation/footprint"
)

// keys are the labels that tell a node's architecture and operating system.
var keys = footprint.PlatformLabels()

// operators of node affinity in terms of label selectors.
var operators = map[corev1.NodeSelectorOperator]selection.Operator{
	corev1.NodeSelectorOpIn:           selection.In,
	corev1.NodeSelectorOpNotIn:        selection.NotIn,
	corev1.NodeSelectorOpExists:       selection.Exists,
	corev1.NodeSelectorOpDoesNotExist: selection.DoesNotExist,
	corev1.NodeSelectorOpGt:           selection.GreaterThan,
	corev1.NodeSelectorOpLt:           selection.LessThan,
}

// platform is one way to satisfy a node claim, as far as keys go.
type platform struct {
	selector labels.Selector
	words    []string
}

// String returns the platform in words: "kubernetes.io/arch=arm64 and kubernetes.io/os=linux".
func (p *platform) String() string { return strings.Join(p.words, " and ") }

// and returns the platform with one more requirement, and false if it cannot be read.
func (p platform) and(key string, operator selection.Operator, values []string) (platform, bool) {
	requirement, err := labels.NewRequirement(key, operator, values)
	if err != nil {
		return p, false
	}
	p.selector = p.selector.Add(*requirement)
	word := requirement.String()
	if operator == selection.In && len(values) == 1 {
		word = key + "=" + values[0]
	}
	p.words = append(slices.Clip(p.words), word)
	return p, true
}

// platformsOf returns the ways to satisfy a node claim, none if any platform does.
// What cannot be read is not asked for here: the member will refuse it.
func platformsOf(claim *workv1alpha2.NodeClaim) []platform {
	if claim == nil {
		return nil
	}
	base := platform{selector: labels.NewSelector()}
	for _, key := range slices.Sorted(maps.Keys(claim.NodeSelector)) {
		if keys.Has(key) {
			base, _ = base.and(key, selection.In, []string{claim.NodeSelector[key]})
		}
	}
	var platforms []platform
	if claim.HardNodeAffinity != nil {
		for _, term := range claim.HardNodeAffinity.NodeSelectorTerms {
			if len(term.MatchExpressions) == 0 && len(term.MatchFields) == 0 {
				continue // matches no node
			}
			way, asks := base, false
			for _, e := range term.MatchExpressions {
				if keys.Has(e.Key) {
					var ok bool
					way, ok = way.and(e.Key, operators[e.Operator], e.Values)
					asks = asks || ok
				}
			}
			if !asks { // this term takes any platform that base does
				platforms = nil
				break
			}
			platforms = append(platforms, way)
		}
	}
	if len(platforms) == 0 && len(base.words) > 0 {
		return []platform{base}
	}
	return platforms
}
