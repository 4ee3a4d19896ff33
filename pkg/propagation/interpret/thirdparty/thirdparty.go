package thirdparty

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"sync"

	configv1alpha1 "github.com/karmada-io/karmada/pkg/apis/config/v1alpha1"
	"github.com/karmada-io/karmada/pkg/resourceinterpreter/default/thirdparty/resourcecustomizations"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/yaml"

	"atoll.dev/atoll/pkg/propagation/interpret"
	"atoll.dev/atoll/pkg/propagation/interpret/lua"
)

// file is the name of those of the module's files that hold customizations.
const file = "customizations.yaml"

// Interpreter knows the third-party kinds.
type Interpreter struct {
	// kinds compile what they hold when they are first asked for.
	kinds map[schema.GroupVersionKind]func() interpret.Hooks
}

// New returns the interpreter, whose scripts the engine runs.
func New(engine *lua.Engine) (*Interpreter, error) {
	all, err := Customizations()
	if err != nil {
		return nil, err
	}
	byKind := map[schema.GroupVersionKind][]*configv1alpha1.ResourceInterpreterCustomization{}
	for _, c := range all {
		kind := schema.FromAPIVersionAndKind(c.Spec.Target.APIVersion, c.Spec.Target.Kind)
		byKind[kind] = append(byKind[kind], c)
	}
	i := &Interpreter{kinds: map[schema.GroupVersionKind]func() interpret.Hooks{}}
	for kind, of := range byKind {
		i.kinds[kind] = sync.OnceValue(func() interpret.Hooks { return engine.Hooks(of) })
	}
	return i, nil
}

// Hooks implements interpret.Interpreter.
func (i *Interpreter) Hooks(kind schema.GroupVersionKind) interpret.Hooks {
	if hooks := i.kinds[kind]; hooks != nil {
		return hooks()
	}
	return interpret.Hooks{}
}

// Customizations returns what the module carries.
func Customizations() ([]*configv1alpha1.ResourceInterpreterCustomization, error) {
	var all []*configv1alpha1.ResourceInterpreterCustomization
	err := fs.WalkDir(resourcecustomizations.Embedded, ".", func(name string, _ fs.DirEntry, err error) error {
		if err != nil || path.Base(name) != file {
			return err
		}
		raw, err := fs.ReadFile(resourcecustomizations.Embedded, name)
		if err != nil {
			return err
		}
		decoder := yaml.NewYAMLOrJSONDecoder(bytes.NewReader(raw), 4096)
		for {
			c := &configv1alpha1.ResourceInterpreterCustomization{}
			switch err := decoder.Decode(c); {
			case errors.Is(err, io.EOF):
				return nil
			case err != nil:
				return fmt.Errorf("decoding %s: %w", name, err)
			}
			all = append(all, c)
		}
	})
	if err != nil {
		return nil, fmt.Errorf("reading the third-party customizations: %w", err)
	}
	return all, nil
}
