package config

import (
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// DefaultSchedulerName is the scheduler that places bindings which name none.
const DefaultSchedulerName = "default-scheduler"

// Default returns the configuration of a scheduler about which nothing was said.
func Default() Scheduler {
	return Scheduler{
		SchedulerName: DefaultSchedulerName,
		Parallelism:   32,
		Estimators: Estimators{
			Timeout: metav1.Duration{Duration: 3 * time.Second},
			Karmada: KarmadaEstimator{Discover: true, ServicePrefix: "karmada-scheduler-estimator", Namespace: "karmada-system", Port: 10352},
		},
		Descheduler: Descheduler{Enabled: true, Dwell: metav1.Duration{Duration: 5 * time.Minute}, Avoid: metav1.Duration{Duration: 30 * time.Minute}},
	}
}
