package validation

import (
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/apimachinery/pkg/util/validation/field"

	autoscalingv1alpha1 "github.com/karmada-io/karmada/pkg/apis/autoscaling/v1alpha1"
)

// FederatedHPA checks a FederatedHPA but its status.
func FederatedHPA(h *autoscalingv1alpha1.FederatedHPA) field.ErrorList {
	path := field.NewPath("spec")
	errs := scaleTarget(path.Child("scaleTargetRef"), &h.Spec.ScaleTargetRef)
	if h.Spec.MaxReplicas < 1 {
		errs = append(errs, field.Invalid(path.Child("maxReplicas"), h.Spec.MaxReplicas, "must be at least 1"))
	}
	for i := range h.Spec.Metrics {
		errs = append(errs, metricSpec(path.Child("metrics").Index(i), &h.Spec.Metrics[i])...)
	}
	if b := h.Spec.Behavior; b != nil {
		errs = append(errs, scalingRules(path.Child("behavior", "scaleUp"), b.ScaleUp)...)
		errs = append(errs, scalingRules(path.Child("behavior", "scaleDown"), b.ScaleDown)...)
	}
	return errs
}

func scalingRules(path *field.Path, rules *autoscalingv2.HPAScalingRules) field.ErrorList {
	if rules == nil {
		return nil
	}
	var errs field.ErrorList
	for i, p := range rules.Policies {
		at := path.Child("policies").Index(i)
		errs = append(errs, required(at.Child("type"), p.Type, "must be Pods or Percent")...)
		if p.Value < 1 {
			errs = append(errs, field.Invalid(at.Child("value"), p.Value, "must be at least 1"))
		}
		if p.PeriodSeconds < 1 {
			errs = append(errs, field.Invalid(at.Child("periodSeconds"), p.PeriodSeconds, "must be at least 1"))
		}
	}
	return errs
}

func metricSpec(path *field.Path, m *autoscalingv2.MetricSpec) field.ErrorList {
	errs := required(path.Child("type"), m.Type, "must be the type of the metric")
	if s := m.Object; s != nil {
		errs = append(errs, scaleTarget(path.Child("object", "describedObject"), &s.DescribedObject)...)
		errs = append(errs, metricAndTarget(path.Child("object"), &s.Metric, &s.Target)...)
	}
	if s := m.Pods; s != nil {
		errs = append(errs, metricAndTarget(path.Child("pods"), &s.Metric, &s.Target)...)
	}
	if s := m.Resource; s != nil {
		errs = append(errs, resourceMetric(path.Child("resource"), s.Name)...)
		errs = append(errs, metricTarget(path.Child("resource"), &s.Target)...)
	}
	if s := m.ContainerResource; s != nil {
		errs = append(errs, containerMetric(path.Child("containerResource"), s.Name, s.Container)...)
		errs = append(errs, metricTarget(path.Child("containerResource"), &s.Target)...)
	}
	if s := m.External; s != nil {
		errs = append(errs, metricAndTarget(path.Child("external"), &s.Metric, &s.Target)...)
	}
	return errs
}

func metricAndTarget(path *field.Path, m *autoscalingv2.MetricIdentifier, t *autoscalingv2.MetricTarget) field.ErrorList {
	return append(metricIdentifier(path.Child("metric"), m), metricTarget(path, t)...)
}

func metricTarget(path *field.Path, t *autoscalingv2.MetricTarget) field.ErrorList {
	return required(path.Child("target", "type"), t.Type, "must be Utilization, Value or AverageValue")
}

func metricIdentifier(path *field.Path, m *autoscalingv2.MetricIdentifier) field.ErrorList {
	errs := required(path.Child("name"), m.Name, "must be the name of the metric")
	return append(errs, labelSelector(path.Child("selector"), m.Selector)...)
}

func resourceMetric(path *field.Path, name corev1.ResourceName) field.ErrorList {
	return required(path.Child("name"), name, "must be the name of a resource, such as cpu")
}

func containerMetric(path *field.Path, name corev1.ResourceName, container string) field.ErrorList {
	return append(resourceMetric(path, name), required(path.Child("container"), container, "must be the name of a container")...)
}

// FederatedHPAStatus checks the status of a FederatedHPA.
func FederatedHPAStatus(h *autoscalingv1alpha1.FederatedHPA) field.ErrorList {
	path := field.NewPath("status")
	var errs field.ErrorList
	types := sets.New[autoscalingv2.HorizontalPodAutoscalerConditionType]()
	for i, c := range h.Status.Conditions {
		at := path.Child("conditions").Index(i)
		errs = append(errs, required(at.Child("type"), c.Type, "must be the type of the condition")...)
		errs = append(errs, required(at.Child("status"), c.Status, "must be True, False or Unknown")...)
		if types.Has(c.Type) {
			errs = append(errs, field.Duplicate(at.Child("type"), c.Type))
		}
		types.Insert(c.Type)
	}
	for i := range h.Status.CurrentMetrics {
		errs = append(errs, metricStatus(path.Child("currentMetrics").Index(i), &h.Status.CurrentMetrics[i])...)
	}
	return errs
}

func metricStatus(path *field.Path, m *autoscalingv2.MetricStatus) field.ErrorList {
	errs := required(path.Child("type"), m.Type, "must be the type of the metric")
	if s := m.Object; s != nil {
		errs = append(errs, scaleTarget(path.Child("object", "describedObject"), &s.DescribedObject)...)
		errs = append(errs, metricIdentifier(path.Child("object", "metric"), &s.Metric)...)
	}
	if s := m.Pods; s != nil {
		errs = append(errs, metricIdentifier(path.Child("pods", "metric"), &s.Metric)...)
	}
	if s := m.Resource; s != nil {
		errs = append(errs, resourceMetric(path.Child("resource"), s.Name)...)
	}
	if s := m.ContainerResource; s != nil {
		errs = append(errs, containerMetric(path.Child("containerResource"), s.Name, s.Container)...)
	}
	if s := m.External; s != nil {
		errs = append(errs, metricIdentifier(path.Child("external", "metric"), &s.Metric)...)
	}
	return errs
}
