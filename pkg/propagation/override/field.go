package override

import (
	"fmt"

	"github.com/go-openapi/jsonpointer"
	policyv1alpha1 "github.com/karmada-io/karmada/pkg/apis/policy/v1alpha1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"
)

// overrideField changes the JSON or YAML document that a string field holds.
func overrideField(manifest *unstructured.Unstructured, o *policyv1alpha1.FieldOverrider) error {
	return changeString(manifest, o.FieldPath, func(document string) (string, error) {
		if len(o.YAML) == 0 {
			operations := make([]operation, len(o.JSON))
			for i, p := range o.JSON {
				operations[i] = operation{string(p.Operator), p.SubPath, p.Value.Raw}
			}
			changed, err := patched([]byte(document), operations)
			return string(changed), err
		}
		operations := make([]operation, len(o.YAML))
		for i, p := range o.YAML {
			operations[i] = operation{string(p.Operator), p.SubPath, p.Value.Raw}
		}
		asJSON, err := yaml.YAMLToJSON([]byte(document))
		if err != nil {
			return "", fmt.Errorf("reading %s as YAML: %w", o.FieldPath, err)
		}
		if asJSON, err = patched(asJSON, operations); err != nil {
			return "", err
		}
		asYAML, err := yaml.JSONToYAML(asJSON)
		return string(asYAML), err
	})
}

// changeString has f change the string that a JSON pointer (RFC 6901) points at.
func changeString(manifest *unstructured.Unstructured, path string, f func(string) (string, error)) error {
	pointer, err := jsonpointer.New(path)
	if err != nil {
		return fmt.Errorf("path %q: %w", path, err)
	}
	value, _, err := pointer.Get(manifest.Object)
	if err != nil {
		return fmt.Errorf("path %s: %w", path, err)
	}
	text, ok := value.(string)
	if !ok {
		return fmt.Errorf("path %s holds no string", path)
	}
	changed, err := f(text)
	if err != nil {
		return fmt.Errorf("path %s: %w", path, err)
	}
	if _, err := pointer.Set(manifest.Object, changed); err != nil {
		return fmt.Errorf("path %s: %w", path, err)
	}
	return nil
}
