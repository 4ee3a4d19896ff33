package estimator

import (
	"maps"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	schedulingv1 "k8s.io/component-helpers/scheduling/corev1"
	"k8s.io/klog/v2"

	"atoll.dev/atoll/pkg/membership/capacity"
)

// maxFits is how many different requirements a stock remembers the answer for.
const maxFits = 128

// stock is what the nodes of one view hold, less what claims take of them. Whatever
// is claimed lies on some node that has room for it, so that all claims together
// can be placed; where the member then places the pods, it decides.
//
// How many of a requirement fit is counted once over all nodes. A claim changes a few
// nodes, and on each of these every remembered count is corrected by the difference.
type stock struct {
	view *capacity.View
	// blind: nothing but the amounts is known of the nodes, so that any will do.
	blind bool
	// classes of the nodes; classOf is the index of each node's.
	classes []*capacity.Class
	classOf []int32
	// touched are the nodes that claims take something of.
	touched map[int32]*touched
	// placed is where the pods of each claim lie.
	placed map[*Claim][]placed
	// fits are the requirements that were asked for, by their shape.
	fits map[string]*fit
	// sets are how many sets of components fit, as long as no claim changes.
	sets map[string]int64
	uses uint64
	// idle tells that nobody asked since the last sweep.
	idle bool
}

type touched struct {
	free capacity.Amounts
	pods int64
}

// placed is a number of pods on a node.
type placed struct {
	requirement *Requirement
	node        int32
	count       int64
}

// fit is how many of a requirement the nodes hold.
type fit struct {
	*Requirement
	total int64
	// eligible tells for each class, or for each node if the requirement tells nodes
	// of a class apart, whether it will do.
	eligible []bool
	// next is the first node that may have room.
	next int32
	used uint64
}

func newStock(view *capacity.View, blind bool) *stock {
	s := &stock{view: view, blind: blind, classOf: make([]int32, len(view.Nodes)),
		touched: map[int32]*touched{}, placed: map[*Claim][]placed{}, fits: map[string]*fit{}, sets: map[string]int64{}}
	indices := map[*capacity.Class]int32{}
	for i := range view.Nodes {
		class := view.Nodes[i].Class
		index, ok := indices[class]
		if !ok {
			index = int32(len(s.classes))
			indices[class] = index
			s.classes = append(s.classes, class)
		}
		s.classOf[i] = index
	}
	return s
}

// free returns what a node has left. The caller must not write to it.
func (s *stock) free(node int32) *capacity.Amounts {
	if len(s.touched) > 0 {
		if t, ok := s.touched[node]; ok {
			return &t.free
		}
	}
	return &s.view.Nodes[node].Free
}

// fitOf returns how many of a requirement fit, counting if nobody asked before.
func (s *stock) fitOf(r *Requirement) *fit {
	s.uses++
	f, ok := s.fits[r.shape]
	if !ok {
		f = s.count(r)
		if len(s.fits) >= maxFits {
			s.forgetOldest()
		}
		s.fits[r.shape] = f
	}
	f.used = s.uses
	return f
}

func (s *stock) forgetOldest() {
	var oldest *fit
	for _, f := range s.fits {
		if oldest == nil || f.used < oldest.used {
			oldest = f
		}
	}
	delete(s.fits, oldest.shape)
}

func (s *stock) count(r *Requirement) *fit {
	f := &fit{Requirement: r, next: int32(len(s.view.Nodes))}
	f.eligible = s.eligible(r)
	for i := range s.view.Nodes {
		node := int32(i)
		if !s.allows(f, node) {
			continue
		}
		if n := r.fit(s.free(node)); n > 0 {
			f.total = plus(f.total, n)
			f.next = min(f.next, node)
		}
	}
	return f
}

// eligible finds out which classes, or nodes, will do.
func (s *stock) eligible(r *Requirement) []bool {
	if s.blind {
		return nil
	}
	if !r.singles {
		eligible := make([]bool, len(s.classes))
		for i, class := range s.classes {
			eligible[i] = accepts(&capacity.Node{Class: class}, r)
		}
		return eligible
	}
	eligible := make([]bool, len(s.view.Nodes))
	for i := range s.view.Nodes {
		eligible[i] = accepts(&s.view.Nodes[i], r)
	}
	return eligible
}

// accepts tells whether the node takes the pod, room and readiness apart.
func accepts(node *capacity.Node, r *Requirement) bool {
	if node.Class == nil {
		return suits(node, r)
	}
	_, repelled := schedulingv1.FindMatchingUntoleratedTaint(klog.Logger{}, node.Taints, r.tolerations, repels, false)
	return !repelled && suits(node, r)
}

// suits tells whether the node has the labels that the pod asks for.
func suits(node *capacity.Node, r *Requirement) bool {
	if r.affinity == nil {
		return true
	}
	matches, err := r.affinity.Match(&corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: node.Name, Labels: node.LabelSet()}})
	return err == nil && matches // the member refuses what cannot be parsed
}

func repels(t *corev1.Taint) bool {
	return t.Effect == corev1.TaintEffectNoSchedule || t.Effect == corev1.TaintEffectNoExecute
}

// allows tells whether the node is ready and takes the pods, room apart.
func (s *stock) allows(f *fit, node int32) bool {
	switch {
	case !s.view.Nodes[node].Ready:
		return false
	case s.blind:
		return true
	case f.singles:
		return f.eligible[node]
	default:
		return f.eligible[s.classOf[node]]
	}
}

// hold places what a claim asks for on the first nodes that have room. What fits
// nowhere takes nothing of any node.
func (s *stock) hold(c *Claim) {
	clear(s.sets)
	var where []placed
	for _, p := range c.pods {
		f := s.fitOf(p.Requirement)
		left := p.Count
		for node := f.next; node < int32(len(s.view.Nodes)) && left > 0; node++ {
			if !s.allows(f, node) {
				continue
			}
			n := min(f.fit(s.free(node)), left)
			if n == 0 {
				continue
			}
			s.take(node, p.Requirement, n)
			left -= n
			where = append(where, placed{p.Requirement, node, n})
			f.next = node
		}
		if left > 0 {
			f.next = int32(len(s.view.Nodes))
		}
	}
	if len(where) > 0 {
		s.placed[c] = where
	}
}

// release gives back what a claim took.
func (s *stock) release(c *Claim) {
	clear(s.sets)
	for _, p := range s.placed[c] {
		s.take(p.node, p.requirement, -p.count)
	}
	delete(s.placed, c)
}

// take takes room for so many pods of a node, or gives it back.
func (s *stock) take(node int32, r *Requirement, count int64) {
	before := s.free(node)
	after := less(before, r, count)
	for _, other := range s.fits {
		if !s.allows(other, node) {
			continue
		}
		now := other.fit(&after)
		other.total += now - other.fit(before)
		if now > 0 {
			other.next = min(other.next, node)
		}
	}
	t := s.touched[node]
	if t == nil {
		t = &touched{}
		s.touched[node] = t
	}
	t.free = after
	if t.pods += count; t.pods == 0 {
		delete(s.touched, node)
	}
}

func less(free *capacity.Amounts, r *Requirement, count int64) capacity.Amounts {
	a := *free
	a.Pods -= count
	a.MilliCPU -= r.request.milliCPU * count
	a.Memory -= r.request.memory * count
	a.Ephemeral -= r.request.ephemeral * count
	if len(r.request.others) > 0 {
		a.Other = maps.Clone(a.Other)
		for _, o := range r.request.others {
			a.Other[o.resource] -= o.quantity * count
		}
	}
	return a
}
