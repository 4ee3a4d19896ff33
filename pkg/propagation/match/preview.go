package match

import (
	"context"
	"fmt"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"atoll.dev/atoll/pkg/propagation/compact"
	"atoll.dev/atoll/pkg/propagation/interpret"
	"atoll.dev/atoll/pkg/propagation/twin"
)

// Preview tells what a Matcher would make of templates. It writes nothing and tells nobody.
type Preview struct{ matcher *Matcher }

// NewPreview returns a preview over these policies and no others. Of those with the
// same name and scope the last one counts. The reader looks up priority classes.
func NewPreview(policies []twin.Policy, interpreter interpret.Interpreter, reader client.Client) *Preview {
	m := &Matcher{opts: Options{Client: reader, Interpreter: interpreter, Recorder: nobody{}}, policies: newIndex()}
	for _, p := range policies {
		m.policies.set(p)
	}
	return &Preview{m}
}

// Binding returns the binding that a template would have, and the policy that would
// claim it, or false if none would. now is the binding that it has, whose claim and
// clusters it keeps; nil if it has none.
func (p *Preview) Binding(ctx context.Context, template *unstructured.Unstructured, now client.Object) (twin.Binding, twin.Policy, bool, error) {
	name := template.GetKind() + " " + types.NamespacedName{Namespace: template.GetNamespace(), Name: template.GetName()}.String()
	wanted := twin.NewBinding(template.GetNamespace())
	if now != nil {
		wanted = twin.BindingOf(now).Copy()
	}
	u := template.DeepCopy()
	u.SetUID(wanted.Spec.Resource.UID) // replicas are rounded by it
	t, err := compact.FromUnstructured(u)
	if err != nil {
		return twin.Binding{}, twin.Policy{}, false, err
	}
	policy := p.matcher.policies.choose(t, twin.ClaimOn(wanted.GetLabels(), wanted.GetAnnotations()))
	if policy == nil {
		return twin.Binding{}, twin.Policy{}, false, nil
	}
	wanted.SetNamespace(t.Namespace)
	wanted.SetName(bindingKey(t).Name)
	if err := p.matcher.fill(ctx, wanted, t, policy, ""); err != nil {
		return twin.Binding{}, twin.Policy{}, false, fmt.Errorf("making the binding of %s: %w", name, err)
	}
	return wanted, policy.Policy, true, nil
}

// nobody is told of events.
type nobody struct{}

func (nobody) Event(runtime.Object, string, string, string)                                      {}
func (nobody) Eventf(runtime.Object, string, string, string, ...any)                             {}
func (nobody) AnnotatedEventf(runtime.Object, map[string]string, string, string, string, ...any) {}
