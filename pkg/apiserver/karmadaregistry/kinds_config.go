package karmadaregistry

import configv1alpha1 "github.com/karmada-io/karmada/pkg/apis/config/v1alpha1"

func configKinds() []*kind {
	return []*kind{
		define[configv1alpha1.ResourceInterpreterCustomization, configv1alpha1.ResourceInterpreterCustomizationList](kind{
			group: configv1alpha1.GroupName, plural: "resourceinterpretercustomizations", singular: "resourceinterpretercustomization",
			shortNames: []string{"ric"}, categories: []string{karmadaCategory},
			columns: []column{text("TARGET-API-VERSION", ".spec.target.apiVersion"), text("TARGET-KIND", ".spec.target.kind"), age("AGE")},
		}),
		define[configv1alpha1.ResourceInterpreterWebhookConfiguration, configv1alpha1.ResourceInterpreterWebhookConfigurationList](kind{
			group: configv1alpha1.GroupName, plural: "resourceinterpreterwebhookconfigurations", singular: "resourceinterpreterwebhookconfiguration",
			categories: []string{karmadaCategory},
		}),
	}
}
