package validation

import (
	"slices"

	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/apiserver/pkg/util/webhook"
	"k8s.io/utils/ptr"

	configv1alpha1 "github.com/karmada-io/karmada/pkg/apis/config/v1alpha1"
)

const (
	wildcard = "*"
	// defaultWebhookPort is the port of a webhook's Service that names none.
	defaultWebhookPort = 443
	// maxWebhookTimeout is the longest timeout of a webhook, in seconds.
	maxWebhookTimeout = 30
)

// interpreterOperations are the operations that a webhook may serve.
var interpreterOperations = []configv1alpha1.InterpreterOperation{
	configv1alpha1.InterpreterOperationAll, configv1alpha1.InterpreterOperationInterpretReplica, configv1alpha1.InterpreterOperationInterpretComponent,
	configv1alpha1.InterpreterOperationInterpretDependency, configv1alpha1.InterpreterOperationReviseReplica, configv1alpha1.InterpreterOperationRetain,
	configv1alpha1.InterpreterOperationAggregateStatus, configv1alpha1.InterpreterOperationInterpretStatus, configv1alpha1.InterpreterOperationInterpretHealth,
}

// ResourceInterpreterWebhookConfiguration checks a ResourceInterpreterWebhookConfiguration.
func ResourceInterpreterWebhookConfiguration(c *configv1alpha1.ResourceInterpreterWebhookConfiguration) field.ErrorList {
	path := field.NewPath("webhooks")
	var errs field.ErrorList
	if c.Webhooks == nil {
		errs = append(errs, field.Required(path, "must be a list of webhooks"))
	}
	names := sets.New[string]()
	for i := range c.Webhooks {
		hook, at := &c.Webhooks[i], path.Index(i)
		errs = append(errs, interpreterWebhook(at, hook)...)
		if names.Has(hook.Name) {
			errs = append(errs, field.Duplicate(at.Child("name"), hook.Name))
		}
		names.Insert(hook.Name)
	}
	return errs
}

func interpreterWebhook(path *field.Path, hook *configv1alpha1.ResourceInterpreterWebhook) field.ErrorList {
	errs := validation.IsFullyQualifiedDomainName(path.Child("name"), hook.Name)
	for i := range hook.Rules {
		errs = append(errs, interpreterRule(path.Child("rules").Index(i), &hook.Rules[i])...)
	}
	if t := hook.TimeoutSeconds; t != nil && (*t < 1 || *t > maxWebhookTimeout) {
		errs = append(errs, field.Invalid(path.Child("timeoutSeconds"), *t, "must be between 1 and 30"))
	}
	client, at := &hook.ClientConfig, path.Child("clientConfig")
	switch {
	case (client.URL == nil) == (client.Service == nil):
		errs = append(errs, field.Required(at, "must have exactly one of url and service"))
	case client.URL != nil:
		errs = append(errs, webhook.ValidateWebhookURL(at.Child("url"), *client.URL, true)...)
	default:
		s := client.Service
		errs = append(errs, webhook.ValidateWebhookService(at.Child("service"), s.Namespace, s.Name, s.Path, ptr.Deref(s.Port, defaultWebhookPort))...)
	}
	return append(errs, contextVersions(path.Child("interpreterContextVersions"), hook.InterpreterContextVersions)...)
}

func interpreterRule(path *field.Path, rule *configv1alpha1.RuleWithOperations) field.ErrorList {
	operations := path.Child("operations")
	errs := alone(operations, rule.Operations, configv1alpha1.InterpreterOperationAll)
	for i, operation := range rule.Operations {
		errs = append(errs, oneOf(operations.Index(i), operation, interpreterOperations...)...)
	}
	errs = append(errs, alone(path.Child("apiGroups"), rule.APIGroups, wildcard)...) // the core group's name is empty
	errs = append(errs, alone(path.Child("apiVersions"), rule.APIVersions, wildcard)...)
	for i, version := range rule.APIVersions {
		errs = append(errs, required(path.Child("apiVersions").Index(i), version, "must be an API version or *")...)
	}
	errs = append(errs, alone(path.Child("kinds"), rule.Kinds, wildcard)...)
	for i, kind := range rule.Kinds {
		errs = append(errs, required(path.Child("kinds").Index(i), kind, "must be a kind or *")...)
	}
	return errs
}

// alone refuses an empty list and one that has the wildcard and something else.
func alone[T ~string](path *field.Path, values []T, any T) field.ErrorList {
	switch {
	case len(values) == 0:
		return field.ErrorList{field.Required(path, "must have at least one element; * is all")}
	case len(values) > 1 && slices.Contains(values, any):
		return field.ErrorList{field.Invalid(path, values, "must have no other element beside *")}
	}
	return nil
}

func contextVersions(path *field.Path, versions []string) field.ErrorList {
	accepted := configv1alpha1.GroupVersion.Version
	if len(versions) == 0 {
		return field.ErrorList{field.Required(path, "must have "+accepted)}
	}
	var errs field.ErrorList
	seen := sets.New[string]()
	for i, version := range versions {
		if seen.Has(version) {
			errs = append(errs, field.Duplicate(path.Index(i), version))
			continue
		}
		seen.Insert(version)
		for _, msg := range validation.IsDNS1035Label(version) {
			errs = append(errs, field.Invalid(path.Index(i), version, msg))
		}
	}
	if !seen.Has(accepted) {
		errs = append(errs, field.Invalid(path, versions, "must have "+accepted))
	}
	return errs
}
