package nativekinds

import (
	"k8s.io/apimachinery/pkg/util/validation/field"

	configv1alpha1 "github.com/karmada-io/karmada/pkg/apis/config/v1alpha1"

	"atoll.dev/atoll/apis/karmada/validation"
)

func configKinds() []*kind {
	return []*kind{
		define[configv1alpha1.ResourceInterpreterCustomization, configv1alpha1.ResourceInterpreterCustomizationList](kind{
			group: configv1alpha1.GroupName, plural: "resourceinterpretercustomizations", singular: "resourceinterpretercustomization",
			shortNames: []string{"ric"}, categories: []string{karmadaCategory},
			columns:  []column{text("TARGET-API-VERSION", ".spec.target.apiVersion"), text("TARGET-KIND", ".spec.target.kind"), age("AGE")},
			validate: on(validation.ResourceInterpreterCustomization),
			validateAmong: onBoth(func(c *configv1alpha1.ResourceInterpreterCustomization, all *configv1alpha1.ResourceInterpreterCustomizationList) field.ErrorList {
				return validation.ResourceInterpreterCustomizationAmong(c, all.Items)
			}),
		}),
		define[configv1alpha1.ResourceInterpreterWebhookConfiguration, configv1alpha1.ResourceInterpreterWebhookConfigurationList](kind{
			group: configv1alpha1.GroupName, plural: "resourceinterpreterwebhookconfigurations", singular: "resourceinterpreterwebhookconfiguration",
			categories: []string{karmadaCategory},
			validate:   on(validation.ResourceInterpreterWebhookConfiguration),
		}),
	}
}
