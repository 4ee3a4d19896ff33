package override

import (
	"encoding/json"
	"fmt"

	policyv1alpha1 "github.com/karmada-io/karmada/pkg/apis/policy/v1alpha1"
	jsonpatch "gopkg.in/evanphx/json-patch.v4"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// apply changes a manifest in place, in Karmada's order of overriders. An error names the overrider.
func apply(manifest *unstructured.Unstructured, o *policyv1alpha1.Overriders) error {
	for i := range o.ImageOverrider {
		if err := overrideImages(manifest, &o.ImageOverrider[i]); err != nil {
			return fmt.Errorf("imageOverrider[%d]: %w", i, err)
		}
	}
	for i := range o.CommandOverrider {
		if err := overrideStrings(manifest, "command", &o.CommandOverrider[i]); err != nil {
			return fmt.Errorf("commandOverrider[%d]: %w", i, err)
		}
	}
	for i := range o.ArgsOverrider {
		if err := overrideStrings(manifest, "args", &o.ArgsOverrider[i]); err != nil {
			return fmt.Errorf("argsOverrider[%d]: %w", i, err)
		}
	}
	for i := range o.LabelsOverrider {
		manifest.SetLabels(overrideKeys(manifest.GetLabels(), &o.LabelsOverrider[i]))
	}
	for i := range o.AnnotationsOverrider {
		manifest.SetAnnotations(overrideKeys(manifest.GetAnnotations(), &o.AnnotationsOverrider[i]))
	}
	for i := range o.FieldOverrider {
		if err := overrideField(manifest, &o.FieldOverrider[i]); err != nil {
			return fmt.Errorf("fieldOverrider[%d]: %w", i, err)
		}
	}
	return overridePlaintext(manifest, o.Plaintext)
}

// overrideKeys adds keys whether they are there or not, and replaces and removes those that are there.
func overrideKeys(values map[string]string, o *policyv1alpha1.LabelAnnotationOverrider) map[string]string {
	for key, value := range o.Value {
		_, there := values[key]
		switch {
		case o.Operator == policyv1alpha1.OverriderOpAdd, o.Operator == policyv1alpha1.OverriderOpReplace && there:
			if values == nil {
				values = map[string]string{}
			}
			values[key] = value
		case o.Operator == policyv1alpha1.OverriderOpRemove:
			delete(values, key)
		}
	}
	return values
}

// overridePlaintext applies the operations as one JSON patch (RFC 6902): all of them or none.
func overridePlaintext(manifest *unstructured.Unstructured, overriders []policyv1alpha1.PlaintextOverrider) error {
	if len(overriders) == 0 {
		return nil
	}
	operations := make([]operation, len(overriders))
	for i, o := range overriders {
		operations[i] = operation{string(o.Operator), o.Path, o.Value.Raw}
	}
	before, err := manifest.MarshalJSON()
	if err != nil {
		return fmt.Errorf("encoding the manifest: %w", err)
	}
	after, err := patched(before, operations)
	if err != nil {
		return fmt.Errorf("plaintext: %w", err)
	}
	kind, namespace, name := manifest.GroupVersionKind(), manifest.GetNamespace(), manifest.GetName()
	to := &unstructured.Unstructured{}
	if err := to.UnmarshalJSON(after); err != nil {
		return fmt.Errorf("plaintext: the result is no object: %w", err)
	}
	if to.GroupVersionKind() != kind || to.GetNamespace() != namespace || to.GetName() != name {
		return fmt.Errorf("plaintext: it would make %s %s of %s %s; apiVersion, kind, namespace and name cannot be overridden",
			described(to.GroupVersionKind()), to.GetName(), described(kind), name)
	}
	manifest.Object = to.Object
	return nil
}

func described(kind schema.GroupVersionKind) string {
	apiVersion, k := kind.ToAPIVersionAndKind()
	return apiVersion + " " + k
}

// operation of a JSON patch.
type operation struct {
	Op    string          `json:"op"`
	Path  string          `json:"path"`
	Value json.RawMessage `json:"value,omitempty"`
}

// patched applies operations to a JSON document. An error names the operation that failed.
func patched(document []byte, operations []operation) ([]byte, error) {
	for i := range operations {
		raw, err := json.Marshal(operations[i : i+1])
		if err != nil {
			return nil, fmt.Errorf("encoding operation %d: %w", i, err)
		}
		patch, err := jsonpatch.DecodePatch(raw)
		if err != nil {
			return nil, fmt.Errorf("reading operation %d: %w", i, err)
		}
		if document, err = patch.Apply(document); err != nil {
			return nil, fmt.Errorf("%s %s: %w", operations[i].Op, operations[i].Path, err)
		}
	}
	return document, nil
}
