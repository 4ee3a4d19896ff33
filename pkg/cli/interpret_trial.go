package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"text/tabwriter"

	configv1alpha1 "github.com/karmada-io/karmada/pkg/apis/config/v1alpha1"
	workv1alpha2 "github.com/karmada-io/karmada/pkg/apis/work/v1alpha2"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
	"k8s.io/cli-runtime/pkg/resource"
	"k8s.io/utils/clock"
	"sigs.k8s.io/yaml"

	"atoll.dev/atoll/apis/karmada/customization"
	"atoll.dev/atoll/apis/karmada/validation"
	"atoll.dev/atoll/pkg/propagation/interpret"
	"atoll.dev/atoll/pkg/propagation/interpret/lua"
	"atoll.dev/atoll/pkg/propagation/interpret/native"
	"atoll.dev/atoll/pkg/propagation/interpret/thirdparty"
)

// checkCustomizations shows what is in customizations; an error if any would be refused.
func (e *env) checkCustomizations(all []source) error {
	w := tabwriter.NewWriter(e.Out, 0, 8, 2, ' ', 0)
	refused := 0
	for _, c := range all {
		fmt.Fprintf(w, "%s (%s)\n", c.Name, c.from)
		fmt.Fprintf(w, "  target\t%s %s\n", c.Spec.Target.APIVersion, c.Spec.Target.Kind)
		for _, rule := range customization.Rules() {
			script, set := rule.Script(&c.Spec.Customizations)
			state := "-"
			if set {
				state = "ok"
				if err := customization.Check(script, rule.Function); err != nil {
					state = err.Error()
				}
			}
			fmt.Fprintf(w, "  %s\t%s\t%s\n", rule.Field, rule.Operation, state)
		}
		if len(validation.ResourceInterpreterCustomization(c.ResourceInterpreterCustomization)) > 0 {
			refused++
		}
	}
	if err := w.Flush(); err != nil {
		return err
	}
	if refused == 0 {
		return nil
	}
	var errs []string
	for _, c := range all {
		for _, err := range validation.ResourceInterpreterCustomization(c.ResourceInterpreterCustomization) {
			errs = append(errs, fmt.Sprintf("%s: %v", c.Name, err))
		}
	}
	return fmt.Errorf("%d of %d customizations would be refused:\n  %s", refused, len(all), strings.Join(errs, "\n  "))
}

// trial is one question and what it is asked of.
type trial struct {
	rule              customization.Rule
	hooks             interpret.Hooks
	kind              schema.GroupVersionKind
	object            *unstructured.Unstructured
	desired, observed *unstructured.Unstructured
	items             []workv1alpha2.AggregatedStatusItem
	replicas          int32
}

func (e *env) trial(o interpretOptions, rule customization.Rule, customizations []source) (*trial, error) {
	t := &trial{rule: rule, replicas: o.replicas}
	var err error
	if t.desired, err = e.objectFrom(o.desired); err != nil {
		return nil, err
	}
	if t.observed, err = e.objectFrom(o.observed); err != nil {
		return nil, err
	}
	if t.object = t.observed; t.object == nil {
		t.object = t.desired
	}
	switch {
	case t.object == nil:
		return nil, usageError{errors.New("name the file of the object with --observed-file or --desired-file")}
	case rule.Operation == configv1alpha1.InterpreterOperationRetain && (t.desired == nil || t.observed == nil):
		return nil, usageError{errors.New("Retain needs --desired-file and --observed-file")}
	case rule.Operation != configv1alpha1.InterpreterOperationRetain && t.desired != nil && t.observed != nil:
		return nil, usageError{fmt.Errorf("%s is asked of one object; leave --desired-file or --observed-file out", rule.Operation)}
	}
	if o.status != "" {
		if t.items, err = e.statusItems(o.status); err != nil {
			return nil, err
		}
	}
	t.kind = t.object.GroupVersionKind()
	engine := lua.NewEngine(lua.Options{Print: func(line string) { fmt.Fprintln(e.ErrOut, line) }})
	if len(o.files.Filenames) == 0 {
		shipped, err := thirdparty.New(engine)
		if err != nil {
			return nil, err
		}
		t.hooks = interpret.Chain{shipped, native.New(clock.RealClock{})}.Hooks(t.kind)
		return t, nil
	}
	var of []*configv1alpha1.ResourceInterpreterCustomization
	for _, c := range customizations {
		if schema.FromAPIVersionAndKind(c.Spec.Target.APIVersion, c.Spec.Target.Kind) == t.kind {
			of = append(of, c.ResourceInterpreterCustomization)
		}
	}
	if len(of) == 0 {
		return nil, usageError{fmt.Errorf("no customization is for %s %s", t.object.GetAPIVersion(), t.object.GetKind())}
	}
	t.hooks = engine.Hooks(of)
	return t, nil
}

// result is a named part of an answer.
type result struct {
	name  string
	value any
}

// run asks. The names of results are karmadactl's.
func (t *trial) run(ctx context.Context) ([]result, error) {
	switch h := t.hooks; {
	case t.rule.Operation == configv1alpha1.InterpreterOperationRetain && h.Retain != nil:
		got, err := h.Retain(ctx, t.desired, t.observed)
		return []result{{"retained", got}}, err
	case t.rule.Operation == configv1alpha1.InterpreterOperationInterpretReplica && h.Replicas != nil:
		n, needs, err := h.Replicas(ctx, t.object)
		return []result{{"replica", n}, {"requires", needs}}, err
	case t.rule.Operation == configv1alpha1.InterpreterOperationInterpretComponent && h.Components != nil:
		got, err := h.Components(ctx, t.object)
		return []result{{"components", got}}, err
	case t.rule.Operation == configv1alpha1.InterpreterOperationReviseReplica && h.ReviseReplicas != nil:
		got, err := h.ReviseReplicas(ctx, t.object, int64(t.replicas))
		return []result{{"revised", got}}, err
	case t.rule.Operation == configv1alpha1.InterpreterOperationInterpretStatus && h.ReflectStatus != nil:
		got, err := h.ReflectStatus(ctx, t.object)
		return []result{{"status", got}}, err
	case t.rule.Operation == configv1alpha1.InterpreterOperationAggregateStatus && h.AggregateStatus != nil:
		status, err := h.AggregateStatus(ctx, t.object.DeepCopy(), t.items)
		t.object.Object["status"] = status
		return []result{{"aggregatedStatus", t.object}}, err
	case t.rule.Operation == configv1alpha1.InterpreterOperationInterpretHealth && h.Healthy != nil:
		got, err := h.Healthy(ctx, t.object)
		return []result{{"healthy", got}}, err
	case t.rule.Operation == configv1alpha1.InterpreterOperationInterpretDependency && h.Dependencies != nil:
		got, err := h.Dependencies(ctx, t.object)
		return []result{{"dependencies", got}}, err
	}
	return nil, fmt.Errorf("nobody knows %s of %s %s: there is no %s", t.rule.Operation, t.kind.GroupVersion(), t.kind.Kind, t.rule.Field)
}

func printResults(w io.Writer, results []result) error {
	for i, r := range results {
		raw, err := yaml.Marshal(r.value)
		if err != nil {
			return fmt.Errorf("encoding %s: %w", r.name, err)
		}
		if _, err := fmt.Fprintf(w, "---\n# [%d/%d] %s:\n%s", i+1, len(results), r.name, raw); err != nil {
			return err
		}
	}
	return nil
}

// objectFrom reads one object, nil if no file is named.
func (e *env) objectFrom(file string) (*unstructured.Unstructured, error) {
	if file == "" {
		return nil, nil
	}
	infos, err := e.factory.NewBuilder().Unstructured().Local().FilenameParam(false, &resource.FilenameOptions{Filenames: []string{file}}).Flatten().Do().Infos()
	if err != nil {
		return nil, fmt.Errorf("reading an object: %w", err)
	}
	if len(infos) != 1 {
		return nil, usageError{fmt.Errorf("%s has %d objects, must have one", file, len(infos))}
	}
	return infos[0].Object.(*unstructured.Unstructured), nil
}

// statusItems reads what a binding's status.aggregatedStatus holds: one item per document, or lists of them.
func (e *env) statusItems(file string) ([]workv1alpha2.AggregatedStatusItem, error) {
	in := e.In
	if file != "-" {
		f, err := os.Open(file)
		if err != nil {
			return nil, fmt.Errorf("reading status items: %w", err)
		}
		defer f.Close()
		in = f
	}
	var items []workv1alpha2.AggregatedStatusItem
	decoder := utilyaml.NewYAMLOrJSONDecoder(in, 4096)
	for {
		var raw json.RawMessage
		err := decoder.Decode(&raw)
		if errors.Is(err, io.EOF) {
			return items, nil
		}
		if err != nil {
			return nil, fmt.Errorf("reading status items from %s: %w", file, err)
		}
		raw = bytes.TrimSpace(raw)
		if len(raw) == 0 || string(raw) == "null" {
			continue
		}
		if raw[0] != '[' {
			raw = append(append([]byte{'['}, raw...), ']')
		}
		var some []workv1alpha2.AggregatedStatusItem
		if err := yaml.UnmarshalStrict(raw, &some); err != nil {
			return nil, usageError{fmt.Errorf("%s has no status items: %w", file, err)}
		}
		items = append(items, some...)
	}
}

// decodeStrictly refuses fields that do not exist.
func decodeStrictly(u *unstructured.Unstructured, into any) error {
	return runtime.DefaultUnstructuredConverter.FromUnstructuredWithValidation(u.Object, into, true)
}
