package native

import (
	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/utils/clock"

	"atoll.dev/atoll/pkg/propagation/interpret"
)

// Interpreter knows the kinds of Kubernetes.
type Interpreter struct {
	kinds map[schema.GroupVersionKind]interpret.Hooks
}

// New returns the interpreter. The clock dates the conditions that it sets.
func New(clk clock.PassiveClock) *Interpreter {
	apps, core, batch := appsv1.SchemeGroupVersion, corev1.SchemeGroupVersion, batchv1.SchemeGroupVersion
	return &Interpreter{kinds: map[schema.GroupVersionKind]interpret.Hooks{
		apps.WithKind("Deployment"): {
			Replicas: templateReplicas("replicas"), ReviseReplicas: setSpec("replicas"), Retain: retainReplicas,
			ReflectStatus: deploymentStatus.reflect, AggregateStatus: deploymentStatus.aggregate, Healthy: rolloutHealthy("updatedReplicas"),
			Dependencies: podDependencies("spec", "template", "spec"),
		},
		apps.WithKind("StatefulSet"): {
			Replicas: templateReplicas("replicas"), ReviseReplicas: setSpec("replicas"), Retain: retainReplicas,
			ReflectStatus: statefulSetStatus.reflect, AggregateStatus: statefulSetStatus.aggregate, Healthy: rolloutHealthy("updatedReplicas"),
			Dependencies: statefulSetDependencies,
		},
		apps.WithKind("ReplicaSet"): {
			Replicas: templateReplicas("replicas"), ReviseReplicas: setSpec("replicas"), Retain: retainReplicas,
			ReflectStatus: replicaSetStatus.reflect, AggregateStatus: replicaSetStatus.aggregate, Healthy: rolloutHealthy("availableReplicas"),
			Dependencies: podDependencies("spec", "template", "spec"),
		},
		apps.WithKind("DaemonSet"): {
			ReflectStatus: daemonSetStatus.reflect, AggregateStatus: daemonSetStatus.aggregate, Healthy: daemonSetHealthy,
			Dependencies: podDependencies("spec", "template", "spec"),
		},
		batch.WithKind("Job"): {
			Replicas: jobReplicas, ReviseReplicas: setSpec("parallelism"), Retain: retainJob,
			ReflectStatus:   reflectFields("active", "succeeded", "failed", "conditions", "startTime", "completionTime"),
			AggregateStatus: jobAggregator{clk}.aggregate,
			Dependencies:    podDependencies("spec", "template", "spec"),
		},
		batch.WithKind("CronJob"): {
			AggregateStatus: aggregateCronJob, Dependencies: podDependencies("spec", "jobTemplate", "spec", "template", "spec"),
		},
		core.WithKind("Pod"): {
			Replicas: podReplicas, Retain: retainTolerations, AggregateStatus: aggregatePod, Healthy: podHealthy, Dependencies: podDependencies("spec"),
		},
		core.WithKind("Service"): {
			Retain: retainService, ReflectStatus: reflectService, AggregateStatus: aggregateService, Healthy: serviceHealthy,
		},
		core.WithKind("ServiceAccount"):                   {Retain: retainImagePullSecrets},
		core.WithKind("PersistentVolume"):                 {AggregateStatus: aggregateVolume},
		core.WithKind("Secret"):                           {Retain: retainToken},
		rbacv1.SchemeGroupVersion.WithKind("ClusterRole"): {Retain: retainAggregatedRules},
		core.WithKind("PersistentVolumeClaim"):            {Retain: retainStorage, AggregateStatus: aggregateClaim, Healthy: claimHealthy},
		networkingv1.SchemeGroupVersion.WithKind("Ingress"): {
			AggregateStatus: aggregateIngress, Healthy: loadBalancerHealthy, Dependencies: ingressDependencies,
		},
		{Group: "multicluster.x-k8s.io", Version: "v1alpha1", Kind: "ServiceImport"}: {Dependencies: serviceImportDependencies},
		policyv1.SchemeGroupVersion.WithKind("PodDisruptionBudget"): {
			ReflectStatus:   reflectFields("disruptionsAllowed", "expectedPods", "desiredHealthy", "currentHealthy", "disruptedPods"),
			AggregateStatus: aggregateDisruptionBudget, Healthy: disruptionBudgetHealthy,
		},
		autoscalingv2.SchemeGroupVersion.WithKind("HorizontalPodAutoscaler"): {
			ReflectStatus: reflectFields("currentReplicas", "desiredReplicas"), AggregateStatus: aggregateAutoscaler,
		},
	}}
}

// Hooks implements interpret.Interpreter.
func (i *Interpreter) Hooks(kind schema.GroupVersionKind) interpret.Hooks { return i.kinds[kind] }
