package scheduler

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/api/equality"

	policyv1alpha1 "github.com/karmada-io/karmada/pkg/apis/policy/v1alpha1"
	workv1alpha2 "github.com/karmada-io/karmada/pkg/apis/work/v1alpha2"

	"atoll.dev/atoll/apis/karmada/wellknown"
	"atoll.dev/atoll/pkg/scheduler/binding"
	"atoll.dev/atoll/pkg/scheduler/cycle"
	"atoll.dev/atoll/pkg/scheduler/history"
	"atoll.dev/atoll/pkg/scheduler/plugins/clusteraffinity"
	"atoll.dev/atoll/pkg/scheduler/plugins/clustereviction"
)

// mostNamed is how many clusters a reason names.
const mostNamed = 3

// because completes "decided because" for a decision that moves something: what made
// it due, and why clusters that lose the workload can no longer have it.
func because(b *binding.Binding, q question, decision cycle.Result, clusters []workv1alpha2.TargetCluster) string {
	var parts []string
	switch q.cause {
	case placementDiffers:
		parts = append(parts, placementWords(b))
	case replicasDiffer:
		parts = append(parts, replicaWords(b))
	case toldTo:
		parts = append(parts, triggerWords(b))
	case notRecorded:
		parts = append(parts, "the outcome of the last decision was not recorded")
	case stuckReplicas:
		parts = append(parts, stuckWords(q))
	}
	if observed := b.Status.SchedulerObservedAffinityName; observed != "" && len(clusters) > 0 && decision.AffinityName != "" && decision.AffinityName != observed {
		parts = append(parts, fmt.Sprintf("cluster group %s could not take it and %s could", observed, decision.AffinityName))
	}
	lost, gained := differ(b.Spec.Clusters, clusters)
	parts = append(parts, lossWords(b, decision, lost)...)
	if len(parts) == 0 && len(gained) > 0 {
		parts = append(parts, subject(gained, "fits", "fit")+" now")
	}
	if len(parts) == 0 {
		parts = append(parts, "the clusters that fit changed")
	}
	return strings.Join(parts, "; ")
}

// placementWords names the fields of the placement that are not what they were.
func placementWords(b *binding.Binding) string {
	recorded := b.Object.GetAnnotations()[wellknown.AppliedPlacementAnnotation]
	if recorded == "" {
		return "it had not been placed before"
	}
	var applied policyv1alpha1.Placement
	if json.Unmarshal([]byte(recorded), &applied) != nil {
		return "the placement that was applied last cannot be read"
	}
	var changed []string
	before, now := reflect.ValueOf(applied), reflect.ValueOf(*b.Spec.Placement)
	for i := range now.NumField() {
		if !equality.Semantic.DeepEqual(before.Field(i).Interface(), now.Field(i).Interface()) {
			name, _, _ := strings.Cut(now.Type().Field(i).Tag.Get("json"), ",")
			changed = append(changed, name)
		}
	}
	if len(changed) == 0 {
		return "the placement changed"
	}
	return fmt.Sprintf("the placement changed (%s)", strings.Join(changed, ", "))
}

// replicaWords tells a change of the number of replicas from replicas that somebody
// took off their clusters: the number that was decided last stands in the history.
func replicaWords(b *binding.Binding) string {
	var sum, evicted int64
	for _, t := range b.Spec.Clusters {
		sum += int64(t.Replicas)
	}
	if b.Spec.Placement.ReplicaSchedulingType() == policyv1alpha1.ReplicaSchedulingTypeDuplicated {
		for _, t := range b.Spec.Clusters {
			if t.Replicas != b.Spec.Replicas {
				return fmt.Sprintf("the number of replicas changed from %d to %d", t.Replicas, b.Spec.Replicas)
			}
		}
	}
	var from []string
	for _, task := range b.Spec.GracefulEvictionTasks {
		if task.Replicas != nil && !b.Spec.TargetContains(task.FromCluster) {
			evicted += int64(*task.Replicas)
			from = append(from, fmt.Sprintf("%s (%s)", task.FromCluster, task.Reason))
		}
	}
	missing := int64(b.Spec.Replicas) - sum
	last := history.Of(b.Object.GetAnnotations())
	unchanged := len(last) > 0 && last[0].Replicas == b.Spec.Replicas
	switch {
	case evicted > 0 && (missing == evicted || unchanged && missing > 0):
		return fmt.Sprintf("%s evicted from %s", replicasWere(missing), joined(from))
	case unchanged && missing > 0:
		return fmt.Sprintf("%s taken off the clusters that had them", replicasWere(missing))
	default:
		return fmt.Sprintf("the number of replicas changed from %d to %d", sum, b.Spec.Replicas)
	}
}

// triggerWords names who asked, if that is known.
func triggerWords(b *binding.Binding) string {
	at := b.Spec.RescheduleTriggeredAt.UTC().Format(time.RFC3339)
	recorded, who, found := strings.Cut(b.Object.GetAnnotations()[wellknown.TriggeredByAnnotation], " ")
	if found && recorded == at {
		return fmt.Sprintf("WorkloadRebalancer %s asked for it", who)
	}
	return fmt.Sprintf("spec.rescheduleTriggeredAt was set to %s", at)
}

func stuckWords(q question) string {
	var parts []string
	for _, f := range q.stuck {
		parts = append(parts, fmt.Sprintf("%s %s", replicasWere(int64(f.Stuck)), "unschedulable in cluster "+f.Cluster))
	}
	return fmt.Sprintf("%s for %s or longer", joined(parts), q.dwell)
}

// lossWords says why clusters can no longer have the workload. Those that could, and
// have merely no replicas left, are not mentioned.
func lossWords(b *binding.Binding, decision cycle.Result, lost []string) []string {
	if decision.Request == nil {
		return nil
	}
	var words []string
	for i, name := range lost {
		if len(words) == mostNamed {
			return append(words, fmt.Sprintf("and %d more", len(lost)-i))
		}
		if w := lossOf(b, decision, name); w != "" {
			words = append(words, w)
		}
	}
	return words
}

func lossOf(b *binding.Binding, decision cycle.Result, name string) string {
	clusters := decision.Request.Snapshot
	c := clusters.Get(name)
	switch {
	case c == nil:
		return fmt.Sprintf("cluster %s is gone", name)
	case c.Leaving:
		return fmt.Sprintf("cluster %s is being removed", name)
	}
	i := slices.IndexFunc(decision.Refused, func(r cycle.Refused) bool { return r.Cluster == name })
	if i < 0 {
		return ""
	}
	switch refusal := decision.Refused[i]; refusal.Plugin {
	case clusteraffinity.Name:
		if why := requestInUse(b, clusters).Affinity.Mismatch(c); why != "" {
			return fmt.Sprintf("cluster %s no longer matches the cluster affinity (%s)", name, why)
		}
		return ""
	case clustereviction.Name:
		return fmt.Sprintf("it is being evicted from cluster %s", name)
	default:
		return fmt.Sprintf("cluster %s no longer fits (%s)", name, strings.TrimPrefix(refusal.Reason, "cluster(s) "))
	}
}

// differ returns the names of the clusters that one assignment has and the other has not.
func differ(before, after []workv1alpha2.TargetCluster) (lost, gained []string) {
	has := func(list []workv1alpha2.TargetCluster) map[string]bool {
		names := make(map[string]bool, len(list))
		for _, t := range list {
			names[t.Name] = true
		}
		return names
	}
	had, have := has(before), has(after)
	for _, t := range before {
		if !have[t.Name] {
			lost = append(lost, t.Name)
		}
	}
	for _, t := range after {
		if !had[t.Name] {
			gained = append(gained, t.Name)
		}
	}
	return lost, gained
}

func replicasWere(n int64) string {
	if n == 1 {
		return "1 replica was"
	}
	return fmt.Sprintf("%d replicas were", n)
}

// subject writes clusters as the subject of a verb: "cluster a fits", "clusters a, b fit".
func subject(names []string, one, several string) string {
	if len(names) == 1 {
		return fmt.Sprintf("cluster %s %s", names[0], one)
	}
	return fmt.Sprintf("clusters %s %s", joined(names), several)
}

// joined lists the first few and counts the others.
func joined(names []string) string {
	if len(names) > mostNamed {
		return fmt.Sprintf("%s and %d more", strings.Join(names[:mostNamed], ", "), len(names)-mostNamed)
	}
	return strings.Join(names, ", ")
}
