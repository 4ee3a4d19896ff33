package serverconfig

import (
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"atoll.dev/atoll/pkg/apiserver/datadir"
	"atoll.dev/atoll/pkg/scheduler/config"
)

// Default returns the configuration of a server about which nothing was said.
func Default() *ServerConfiguration {
	return &ServerConfiguration{
		APIVersion:  APIVersion,
		Kind:        Kind,
		DataDir:     datadir.DefaultPath(),
		BindAddress: "127.0.0.1",
		SecurePort:  7443,
		Etcd: Etcd{
			Prefix:            "/registry",
			QuotaBackendBytes: 8 << 30,
		},
		Certificates: Certificates{LeafDuration: duration(7 * 24 * time.Hour)},
		Logging:      Logging{Level: 0, Format: LogText},
		Audit:        Audit{MaxAgeDays: 30, MaxBackups: 10, MaxSizeMiB: 100},
		EventTTL:     duration(time.Hour),
		Requests: Requests{
			Timeout:             duration(time.Minute),
			MaxInflight:         400,
			MaxMutatingInflight: 200,
		},
		LeaderElection: LeaderElection{
			LeaseDuration: duration(15 * time.Second),
			RenewDeadline: duration(10 * time.Second),
			RetryPeriod:   duration(2 * time.Second),
		},
		Controllers: Controllers{Concurrency: 8},
		Scheduler:   config.Default(),
	}
}

func duration(d time.Duration) metav1.Duration { return metav1.Duration{Duration: d} }
