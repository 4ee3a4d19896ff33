package match

import (
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"atoll.dev/atoll/pkg/propagation/compact"
	"atoll.dev/atoll/pkg/propagation/templates"
)

// A lazy policy does not touch a template that is queued because of a policy alone. A template
// that changed counts as changed whatever else happens before its turn comes.
func TestWhyATemplateIsLookedAt(t *testing.T) {
	template := &compact.Object{
		TypeMeta:   metav1.TypeMeta{APIVersion: configMapAPI, Kind: configMapKind},
		ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "a"},
	}
	key := templates.KeyOf(template)
	changes := func(m *Matcher) { m.templateChanged(nil, template) }
	policy := func(m *Matcher) { m.enqueueByPolicy(key) }
	for name, c := range map[string]struct {
		starting bool
		events   []func(*Matcher)
		want     bool
	}{
		"a policy alone":                    {events: []func(*Matcher){policy}, want: true},
		"the template alone":                {events: []func(*Matcher){changes}},
		"the policy, then the template":     {events: []func(*Matcher){policy, changes}},
		"the template, then the policy":     {events: []func(*Matcher){changes, policy}},
		"all that is there at the start":    {starting: true, events: []func(*Matcher){changes, policy}, want: true},
		"a template without any at a start": {starting: true, events: []func(*Matcher){changes}},
	} {
		t.Run(name, func(t *testing.T) {
			m := New(Options{Templates: templates.NewStore(templates.Options{})})
			m.listening = !c.starting
			for _, happens := range c.events {
				happens(m)
			}
			if got := m.becauseOfPolicy(key); got != c.want {
				t.Errorf("because of a policy alone: %t, want %t", got, c.want)
			}
			if m.becauseOfPolicy(key) {
				t.Error("the cause outlived its turn")
			}
		})
	}
}
