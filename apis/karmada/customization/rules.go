package customization

import configv1alpha1 "github.com/karmada-io/karmada/pkg/apis/config/v1alpha1"

// Rule is one kind of script of a customization.
type Rule struct {
	// Field is its name in spec.customizations.
	Field string
	// Function is what the script must define.
	Function string
	// Operation is what it serves, as webhooks and command lines call it.
	Operation configv1alpha1.InterpreterOperation
	// Many tells that several customizations of a kind may have it; their answers are put together.
	Many bool
	// Script returns the script, and whether the rule is there at all.
	Script func(*configv1alpha1.CustomizationRules) (script string, set bool)
}

// Rules returns all there are.
func Rules() []Rule {
	return []Rule{
		{Field: "retention", Function: "Retain", Operation: configv1alpha1.InterpreterOperationRetain,
			Script: func(r *configv1alpha1.CustomizationRules) (string, bool) {
				if r.Retention == nil {
					return "", false
				}
				return r.Retention.LuaScript, true
			}},
		{Field: "replicaResource", Function: "GetReplicas", Operation: configv1alpha1.InterpreterOperationInterpretReplica,
			Script: func(r *configv1alpha1.CustomizationRules) (string, bool) {
				if r.ReplicaResource == nil {
					return "", false
				}
				return r.ReplicaResource.LuaScript, true
			}},
		{Field: "componentResource", Function: "GetComponents", Operation: configv1alpha1.InterpreterOperationInterpretComponent,
			Script: func(r *configv1alpha1.CustomizationRules) (string, bool) {
				if r.ComponentResource == nil {
					return "", false
				}
				return r.ComponentResource.LuaScript, true
			}},
		{Field: "replicaRevision", Function: "ReviseReplica", Operation: configv1alpha1.InterpreterOperationReviseReplica,
			Script: func(r *configv1alpha1.CustomizationRules) (string, bool) {
				if r.ReplicaRevision == nil {
					return "", false
				}
				return r.ReplicaRevision.LuaScript, true
			}},
		{Field: "statusReflection", Function: "ReflectStatus", Operation: configv1alpha1.InterpreterOperationInterpretStatus,
			Script: func(r *configv1alpha1.CustomizationRules) (string, bool) {
				if r.StatusReflection == nil {
					return "", false
				}
				return r.StatusReflection.LuaScript, true
			}},
		{Field: "statusAggregation", Function: "AggregateStatus", Operation: configv1alpha1.InterpreterOperationAggregateStatus,
			Script: func(r *configv1alpha1.CustomizationRules) (string, bool) {
				if r.StatusAggregation == nil {
					return "", false
				}
				return r.StatusAggregation.LuaScript, true
			}},
		{Field: "healthInterpretation", Function: "InterpretHealth", Operation: configv1alpha1.InterpreterOperationInterpretHealth,
			Script: func(r *configv1alpha1.CustomizationRules) (string, bool) {
				if r.HealthInterpretation == nil {
					return "", false
				}
				return r.HealthInterpretation.LuaScript, true
			}},
		{Field: "dependencyInterpretation", Function: "GetDependencies", Operation: configv1alpha1.InterpreterOperationInterpretDependency, Many: true,
			Script: func(r *configv1alpha1.CustomizationRules) (string, bool) {
				if r.DependencyInterpretation == nil {
					return "", false
				}
				return r.DependencyInterpretation.LuaScript, true
			}},
	}
}
