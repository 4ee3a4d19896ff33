package capacity

import (
	"cmp"
	"hash/maphash"
	"slices"
	"sync"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"
)

// classes hold each distinct class once, and each string in them once, since a label that no two
// nodes share gives every node a class of its own.
type classes struct {
	mu      sync.Mutex
	seed    maphash.Seed
	byHash  map[uint64][]*Class
	count   int
	strings map[string]string
}

func newClasses() *classes {
	c := &classes{seed: maphash.MakeSeed()}
	c.clear()
	return c
}

func (c *classes) clear() {
	c.byHash, c.strings, c.count = map[uint64][]*Class{}, map[string]string{}, 0
}

// of returns the node's class.
func (c *classes) of(node *corev1.Node) *Class {
	taints := taintsOf(node)
	c.mu.Lock()
	defer c.mu.Unlock()
	hash := c.hash(node.Labels, taints)
	for _, known := range c.byHash[hash] {
		if known.is(node.Labels, taints) {
			return known
		}
	}
	class := &Class{Labels: make(labels.Set, len(node.Labels)), Taints: taints}
	for key, value := range node.Labels {
		if key != corev1.LabelHostname {
			class.Labels[c.intern(key)] = c.intern(value)
		}
	}
	c.put(hash, class)
	return class
}

func (c *classes) put(hash uint64, class *Class) {
	c.byHash[hash] = append(c.byHash[hash], class)
	c.count++
}

func (c *classes) intern(s string) string {
	if known, ok := c.strings[s]; ok {
		return known
	}
	c.strings[s] = s
	return s
}

// hash does not depend on the order of labels and ignores the hostname.
func (c *classes) hash(all map[string]string, taints []corev1.Taint) uint64 {
	var sum uint64
	for key, value := range all {
		if key != corev1.LabelHostname {
			sum += maphash.Comparable(c.seed, [2]string{key, value})
		}
	}
	for _, t := range taints {
		sum += maphash.Comparable(c.seed, [3]string{t.Key, t.Value, string(t.Effect)})
	}
	return sum
}

func (c *Class) is(all map[string]string, taints []corev1.Taint) bool {
	own := len(all)
	if _, ok := all[corev1.LabelHostname]; ok {
		own--
	}
	if own != len(c.Labels) || !slices.Equal(taints, c.Taints) {
		return false
	}
	for key, value := range c.Labels {
		if v, ok := all[key]; !ok || v != value {
			return false
		}
	}
	return true
}

// tidy forgets the classes that no node has, if there are many.
func (c *classes) tidy(nodes map[string]nodeShare) {
	c.mu.Lock()
	count := c.count
	c.mu.Unlock()
	if count > 2*len(nodes)+64 {
		c.keepOnly(nodes)
	}
}

// keepOnly forgets the classes that none of the nodes has.
func (c *classes) keepOnly(nodes map[string]nodeShare) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.clear()
	kept := map[*Class]struct{}{}
	for _, n := range nodes {
		if _, twice := kept[n.class]; twice {
			continue
		}
		kept[n.class] = struct{}{}
		for key, value := range n.class.Labels {
			c.strings[key], c.strings[value] = key, value
		}
		c.put(c.hash(n.class.Labels, n.class.Taints), n.class)
	}
}

// taintsOf returns the taints that keep pods away, in an order that is the same for all nodes.
func taintsOf(node *corev1.Node) []corev1.Taint {
	var taints []corev1.Taint
	for _, t := range node.Spec.Taints {
		if t.Effect == corev1.TaintEffectNoSchedule || t.Effect == corev1.TaintEffectNoExecute {
			taints = append(taints, corev1.Taint{Key: t.Key, Value: t.Value, Effect: t.Effect})
		}
	}
	cordon := corev1.Taint{Key: corev1.TaintNodeUnschedulable, Effect: corev1.TaintEffectNoSchedule}
	if node.Spec.Unschedulable && !slices.Contains(taints, cordon) {
		taints = append(taints, cordon)
	}
	slices.SortFunc(taints, func(a, b corev1.Taint) int {
		return cmp.Or(cmp.Compare(a.Key, b.Key), cmp.Compare(a.Effect, b.Effect), cmp.Compare(a.Value, b.Value))
	})
	return taints
}
