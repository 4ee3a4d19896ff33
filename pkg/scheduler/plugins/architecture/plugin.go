package architecture

import (
	"context"
	"strings"

	corev1 "k8s.io/api/core/v1"
	corev1helpers "k8s.io/component-helpers/scheduling/corev1"
	"k8s.io/klog/v2"

	workv1alpha2 "github.com/karmada-io/karmada/pkg/apis/work/v1alpha2"

	"atoll.dev/atoll/apis/karmada/wellknown"
	"atoll.dev/atoll/pkg/membership/capacity"
	"atoll.dev/atoll/pkg/propagation/footprint"
	"atoll.dev/atoll/pkg/scheduler/framework"
	"atoll.dev/atoll/pkg/scheduler/snapshot"
)

// Name of the plugin.
const Name = "Architecture"

// Plugin is a framework.FilterPlugin.
type Plugin struct{}

// Name implements framework.Plugin.
func (Plugin) Name() string { return Name }

// Interest implements framework.FilterPlugin.
func (Plugin) Interest() snapshot.Change { return snapshot.Nodes }

// Filter implements framework.FilterPlugin.
func (Plugin) Filter(ctx context.Context, r *framework.Request) framework.ClusterFilter {
	wants := wantsOf(r)
	if len(wants) == 0 {
		return nil
	}
	log := klog.FromContext(ctx)
	return func(c *snapshot.Cluster) *framework.Refusal {
		if c.Nodes == nil || r.Holds(c.Name) {
			return nil
		}
		for _, w := range wants {
			if !w.found(log, c.Nodes) {
				return w.missing
			}
		}
		return nil
	}
}

// want is what the pods of a workload, or of one of its components, ask of a node.
type want struct {
	platforms   []platform
	tolerations []corev1.Toleration
	missing     *framework.Refusal
}

func wantsOf(r *framework.Request) []want {
	spec := r.Spec
	var wants []want
	add := func(claim *workv1alpha2.NodeClaim) {
		platforms := platformsOf(claim)
		if len(platforms) == 0 {
			return
		}
		words := make([]string, len(platforms))
		for i := range platforms {
			words[i] = platforms[i].String()
		}
		wants = append(wants, want{platforms, claim.Tolerations, &framework.Refusal{
			Plugin: Name, Reason: "no node has " + strings.Join(words, " or "),
		}})
	}
	if spec.ReplicaRequirements != nil {
		add(spec.ReplicaRequirements.NodeClaim)
	}
	add(footprint.ParsePlatform(r.Annotations[wellknown.PlatformAnnotation]))
	for i := range spec.Components {
		if requirements := spec.Components[i].ReplicaRequirements; requirements != nil {
			add(requirements.NodeClaim)
		}
	}
	return wants
}

// found tells whether some node suits. Nodes of one class are alike in all that counts.
func (w *want) found(log klog.Logger, view *capacity.View) bool {
	var last *capacity.Class
	seen := map[*capacity.Class]struct{}{}
	for i := range view.Nodes {
		class := view.Nodes[i].Class
		if class == last {
			continue
		}
		last = class
		if _, ok := seen[class]; ok {
			continue
		}
		seen[class] = struct{}{}
		if w.suits(log, class) {
			return true
		}
	}
	return false
}

func (w *want) suits(log klog.Logger, class *capacity.Class) bool {
	keepsAway := func(t *corev1.Taint) bool {
		return (t.Effect == corev1.TaintEffectNoSchedule || t.Effect == corev1.TaintEffectNoExecute) &&
			!strings.HasPrefix(t.Key, "node.kubernetes.io/")
	}
	if _, tainted := corev1helpers.FindMatchingUntoleratedTaint(log, class.Taints, w.tolerations, keepsAway, false); tainted {
		return false
	}
	for i := range w.platforms {
		if w.platforms[i].selector.Matches(class.Labels) {
			return true
		}
	}
	return false
}
