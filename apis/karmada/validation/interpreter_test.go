package validation

import (
	"strings"
	"testing"

	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	configv1alpha1 "github.com/karmada-io/karmada/pkg/apis/config/v1alpha1"
)

func TestInterpreterCustomizationAmong(t *testing.T) {
	ric := func(name, kind string, edit func(*configv1alpha1.CustomizationRules)) configv1alpha1.ResourceInterpreterCustomization {
		c := configv1alpha1.ResourceInterpreterCustomization{ObjectMeta: metav1.ObjectMeta{Name: name}}
		c.Spec.Target = configv1alpha1.CustomizationTarget{APIVersion: "apps/v1", Kind: kind}
		edit(&c.Spec.Customizations)
		return c
	}
	retain := func(c *configv1alpha1.CustomizationRules) {
		c.Retention = &configv1alpha1.LocalValueRetention{LuaScript: "x"}
	}
	health := func(c *configv1alpha1.CustomizationRules) {
		c.HealthInterpretation = &configv1alpha1.HealthInterpretation{LuaScript: "x"}
	}
	depend := func(c *configv1alpha1.CustomizationRules) {
		c.DependencyInterpretation = &configv1alpha1.DependencyInterpretation{LuaScript: "x"}
	}
	mine := ric("mine", "Deployment", func(c *configv1alpha1.CustomizationRules) { retain(c); depend(c) })
	for name, c := range map[string]struct {
		other configv1alpha1.ResourceInterpreterCustomization
		wants []string
	}{
		"itself":               {mine, nil},
		"another kind":         {ric("other", "StatefulSet", retain), nil},
		"another operation":    {ric("other", "Deployment", health), nil},
		"the same operation":   {ric("other", "Deployment", retain), []string{"spec.customizations.retention: already customized for Deployment by other"}},
		"dependencies as well": {ric("other", "Deployment", depend), nil},
	} {
		t.Run(name, func(t *testing.T) {
			expect(t, ResourceInterpreterCustomizationAmong(&mine, []configv1alpha1.ResourceInterpreterCustomization{c.other}), c.wants...)
		})
	}
}

func TestInterpreterWebhookConfiguration(t *testing.T) {
	for name, c := range map[string]struct {
		edit  func(*configv1alpha1.ResourceInterpreterWebhook)
		wants []string
	}{
		"valid":      {func(*configv1alpha1.ResourceInterpreterWebhook) {}, nil},
		"short name": {func(h *configv1alpha1.ResourceInterpreterWebhook) { h.Name = "a" }, []string{"webhooks[0].name: at least two segments"}},
		"two addresses": {func(h *configv1alpha1.ResourceInterpreterWebhook) {
			h.ClientConfig.Service = &admissionregistrationv1.ServiceReference{}
		}, []string{"webhooks[0].clientConfig: exactly one of url and service"}},
		"no address": {func(h *configv1alpha1.ResourceInterpreterWebhook) { h.ClientConfig.URL = nil }, []string{"webhooks[0].clientConfig: exactly one of url and service"}},
		"plain HTTP": {func(h *configv1alpha1.ResourceInterpreterWebhook) {
			h.ClientConfig.URL = ptr.To("http://a.example.com")
		}, []string{"webhooks[0].clientConfig.url: https"}},
		"service without port": {func(h *configv1alpha1.ResourceInterpreterWebhook) {
			h.ClientConfig = admissionregistrationv1.WebhookClientConfig{Service: &admissionregistrationv1.ServiceReference{Namespace: "a", Name: "b"}}
		}, nil},
		"timeout": {func(h *configv1alpha1.ResourceInterpreterWebhook) { h.TimeoutSeconds = ptr.To[int32](31) }, []string{"webhooks[0].timeoutSeconds: between 1 and 30"}},
		"all and some": {func(h *configv1alpha1.ResourceInterpreterWebhook) {
			h.Rules[0] = configv1alpha1.RuleWithOperations{Operations: []configv1alpha1.InterpreterOperation{"*", "Retain"}, Rule: configv1alpha1.Rule{APIGroups: []string{"*", "apps"}, APIVersions: []string{"*", "v1"}, Kinds: []string{"*", ""}}}
		}, []string{"webhooks[0].rules[0].operations: no other element beside *", "webhooks[0].rules[0].apiGroups: no other", "webhooks[0].rules[0].apiVersions: no other",
			"webhooks[0].rules[0].kinds: no other", "webhooks[0].rules[0].kinds[1]: Required"}},
		"nothing": {func(h *configv1alpha1.ResourceInterpreterWebhook) { h.Rules[0] = configv1alpha1.RuleWithOperations{} },
			[]string{"webhooks[0].rules[0].operations: at least one", "webhooks[0].rules[0].apiGroups: at least one", "webhooks[0].rules[0].apiVersions: at least one", "webhooks[0].rules[0].kinds: at least one"}},
		"unknown operation": {func(h *configv1alpha1.ResourceInterpreterWebhook) { h.Rules[0].Operations[0] = "Guess" }, []string{"webhooks[0].rules[0].operations[0]: supported values"}},
		"versions": {func(h *configv1alpha1.ResourceInterpreterWebhook) {
			h.InterpreterContextVersions = []string{"v2", "v2", "V3"}
		},
			[]string{"webhooks[0].interpreterContextVersions[1]: Duplicate", "webhooks[0].interpreterContextVersions[2]: V3", "webhooks[0].interpreterContextVersions: must have v1alpha1"}},
	} {
		t.Run(name, func(t *testing.T) {
			hook := configv1alpha1.ResourceInterpreterWebhook{
				Name: "a.example.com", ClientConfig: admissionregistrationv1.WebhookClientConfig{URL: ptr.To("https://a.example.com/x")},
				Rules: []configv1alpha1.RuleWithOperations{{Operations: []configv1alpha1.InterpreterOperation{"Retain"},
					Rule: configv1alpha1.Rule{APIGroups: []string{""}, APIVersions: []string{"v1"}, Kinds: []string{"Pod"}}}},
				InterpreterContextVersions: []string{"v1alpha1"},
			}
			c.edit(&hook)
			expect(t, ResourceInterpreterWebhookConfiguration(&configv1alpha1.ResourceInterpreterWebhookConfiguration{Webhooks: []configv1alpha1.ResourceInterpreterWebhook{hook}}), c.wants...)
		})
	}
	hook := configv1alpha1.ResourceInterpreterWebhook{Name: "a.example.com", ClientConfig: admissionregistrationv1.WebhookClientConfig{URL: ptr.To("https://a.example.com/x")}, InterpreterContextVersions: []string{"v1alpha1"}}
	expect(t, ResourceInterpreterWebhookConfiguration(&configv1alpha1.ResourceInterpreterWebhookConfiguration{Webhooks: []configv1alpha1.ResourceInterpreterWebhook{hook, hook}}), "webhooks[1].name: Duplicate")
}

func TestInterpreterCustomization(t *testing.T) {
	const at = "spec.customizations.healthInterpretation.luaScript: "
	for name, c := range map[string]struct {
		script string
		wants  []string
	}{
		"valid":            {"function InterpretHealth(o) return true end", nil},
		"assigned":         {"InterpretHealth = function(o) return true end", nil},
		"conditionally":    {"if true then\n  function InterpretHealth(o) return true end\nend", nil},
		"empty":            {"", []string{at + "must be a Lua script"}},
		"does not compile": {"function InterpretHealth(o)\n  return 1 +\nend", []string{at + `must be Lua that defines function InterpretHealth: line 3, column 3: syntax error near "end"`}},
		"is not finished":  {"function InterpretHealth(o)", []string{at + "must be Lua that defines function InterpretHealth: syntax error at the end of the script"}},
		"jumps nowhere":    {"function InterpretHealth(o) goto nowhere end", []string{at + "must be Lua that defines function InterpretHealth: line "}},
		"another function": {"function Healthy(o) return true end", []string{at + "must be Lua that defines function InterpretHealth: does not define"}},
		"local function":   {"local function InterpretHealth(o) return true end", []string{at + "must be Lua that defines function InterpretHealth: does not define"}},
		"too long":         {"function InterpretHealth(o) end --" + strings.Repeat("x", 256<<10), []string{at + "must be Lua that defines function InterpretHealth: has "}},
		"too deep":         {"function InterpretHealth(o) return " + strings.Repeat("(", 10000) + "1" + strings.Repeat(")", 10000) + " end", nil}, // parentheses are not kept
		"too deep a sum":   {"function InterpretHealth(o) return " + strings.Repeat("-", 1) + strings.Repeat("{", 10000) + strings.Repeat("}", 10000) + " end", []string{at + "must be Lua that defines function InterpretHealth: is nested more than 500 deep"}},
	} {
		t.Run(name, func(t *testing.T) {
			ric := &configv1alpha1.ResourceInterpreterCustomization{}
			ric.Spec.Target = configv1alpha1.CustomizationTarget{APIVersion: "apps/v1", Kind: "Deployment"}
			ric.Spec.Customizations.HealthInterpretation = &configv1alpha1.HealthInterpretation{LuaScript: c.script}
			expect(t, ResourceInterpreterCustomization(ric), c.wants...)
		})
	}
}
