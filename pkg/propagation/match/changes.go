package match

import (
	"slices"

	policyv1alpha1 "github.com/karmada-io/karmada/pkg/apis/policy/v1alpha1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"atoll.dev/atoll/pkg/propagation/compact"
	"atoll.dev/atoll/pkg/propagation/selection"
	"atoll.dev/atoll/pkg/propagation/templates"
	"atoll.dev/atoll/pkg/propagation/twin"
)

// ownWrite is a write whose event and whose answer may come in either order.
type ownWrite struct {
	// answered is the resourceVersion of the answer, "" while it is awaited.
	answered string
	// seen are the versions of events that came while the answer was awaited.
	seen []string
}

func (m *Matcher) templateChanged(old, new *compact.Object) {
	if new == nil {
		key := templates.KeyOf(old)
		m.mu.Lock()
		delete(m.claims, key)
		delete(m.causes, key)
		m.mu.Unlock()
		m.policyMayBeFree(old)
		return
	}
	key := templates.KeyOf(new)
	if old != nil && old.SameSpecification(new) {
		return // status
	}
	m.mu.Lock()
	write, ours := m.claims[key], false
	switch {
	case write != nil && write.answered == "":
		write.seen = append(write.seen, new.ResourceVersion)
		ours = true // decided when the answer is here
	case write != nil:
		ours = write.answered == new.ResourceVersion
		delete(m.claims, key)
	}
	if !ours && m.listening {
		m.causes[key] = ownChange
	}
	m.mu.Unlock()
	m.policyMayBeFree(old)
	if !ours {
		m.queue.Add(key)
	}
}

// beginClaim announces a write to a template; the function that it returns takes the resourceVersion
// that the template got by it, "" if the write failed.
func (m *Matcher) beginClaim(key templates.Key) (answered func(version string)) {
	write := &ownWrite{}
	m.mu.Lock()
	m.claims[key] = write
	m.mu.Unlock()
	return func(version string) {
		m.mu.Lock()
		others := slices.ContainsFunc(write.seen, func(v string) bool { return v != version })
		delete(m.claims, key)
		if version != "" && len(write.seen) == 0 {
			write.answered = version
			m.claims[key] = write
		}
		if others && m.listening {
			m.causes[key] = ownChange
		}
		m.mu.Unlock()
		if others {
			m.queue.Add(key)
		}
	}
}

// policyMayBeFree looks at a policy that waits for its last template to go.
func (m *Matcher) policyMayBeFree(was *compact.Object) {
	if was == nil {
		return
	}
	claim := twin.ClaimOn(was.Labels, was.Annotations)
	if p := m.policies.get(claim.Policy); p != nil && !p.GetDeletionTimestamp().IsZero() {
		m.released.Add(claim.Policy)
	}
}

func (m *Matcher) policyChanged(old, new client.Object) {
	var before *indexed
	if old != nil {
		before = m.policies.get(client.ObjectKeyFromObject(old))
	}
	if new == nil {
		m.policies.delete(client.ObjectKeyFromObject(old))
		if before != nil {
			m.enqueueFor(before, false)
		}
		return
	}
	p := m.policies.set(twin.PolicyOf(new))
	if !p.GetDeletionTimestamp().IsZero() {
		m.released.Add(p.Key())
		return
	}
	if old != nil && old.GetGeneration() == new.GetGeneration() && old.GetLabels()[permanentIDLabel(p)] == p.PermanentID() {
		return
	}
	if before != nil && before.Priority() > p.Priority() {
		m.enqueueFor(before, false)
	}
	m.enqueueFor(p, true)
}

func permanentIDLabel(p *indexed) string {
	if p.ClusterScoped() {
		return policyv1alpha1.ClusterPropagationPolicyPermanentIDLabel
	}
	return policyv1alpha1.PropagationPolicyPermanentIDLabel
}

// enqueueFor has the templates looked at that a policy claims and, if selected, those it selects.
func (m *Matcher) enqueueFor(p *indexed, selected bool) {
	for _, t := range m.opts.Templates.ClaimedBy(p.PermanentID()) {
		m.enqueueByPolicy(templates.KeyOf(t))
	}
	if !selected {
		return
	}
	for _, s := range p.selectors {
		if s.Name != "" {
			m.enqueueNamed(s)
			continue
		}
		wanted := s.Labels
		if wanted == nil {
			wanted = labels.Everything()
		}
		m.opts.Templates.Each(s.Kind, s.Namespace, wanted, func(t *compact.Object) { m.enqueueByPolicy(templates.KeyOf(t)) })
	}
}

func (m *Matcher) enqueueNamed(s selection.Selector) {
	if s.Namespace == "" {
		if r, ok := m.opts.Templates.Resource(s.Kind); ok && r.Namespaced { // one name in any namespace
			m.opts.Templates.Each(s.Kind, "", labels.Everything(), func(t *compact.Object) {
				if t.Name == s.Name {
					m.enqueueByPolicy(templates.KeyOf(t))
				}
			})
			return
		}
	}
	key := templates.Key{GroupVersionKind: s.Kind, NamespacedName: types.NamespacedName{Namespace: s.Namespace, Name: s.Name}}
	if _, ok := m.opts.Templates.Get(key); ok {
		m.enqueueByPolicy(key)
	}
}

// Reinterpret has a template looked at, since what is known of its kind has changed.
func (m *Matcher) Reinterpret(key templates.Key) { m.enqueueByPolicy(key) }

func (m *Matcher) enqueueByPolicy(key templates.Key) {
	m.becauseOf(key, policyChange)
	m.queue.Add(key)
}

// bindingChanged heals bindings that others changed or deleted. What the scheduler and the status
// aggregator write is not ours and nothing to look at.
func (m *Matcher) bindingChanged(old, new client.Object) {
	changed := new
	if new == nil {
		changed = old
	} else if old == nil {
		return // the template's own event has it looked at
	}
	b := twin.BindingOf(changed)
	if new != nil && ours(twin.BindingOf(old), b) {
		return
	}
	ref := b.Spec.Resource
	key := templates.Key{
		GroupVersionKind: schema.FromAPIVersionAndKind(ref.APIVersion, ref.Kind),
		NamespacedName:   types.NamespacedName{Namespace: ref.Namespace, Name: ref.Name},
	}
	if _, ok := m.opts.Templates.Get(key); ok {
		m.queue.Add(key)
	}
}
