package atolld

import (
	"context"
	"fmt"

	"atoll.dev/atoll/pkg/scheduler/config"
	"atoll.dev/atoll/pkg/scheduler/deschedule"
	"atoll.dev/atoll/pkg/scheduler/estimator"
	"atoll.dev/atoll/pkg/scheduler/estimator/remote"
)

// estimators are what the configuration has the scheduler ask how much room members have, until ctx ends.
func estimators(ctx context.Context, c config.Estimators) ([]estimator.Estimator, error) {
	members := &estimator.Members{}
	if !c.Karmada.Enabled {
		return []estimator.Estimator{members}, nil
	}
	asked, err := remote.New(remote.Options{
		Discover: c.Karmada.Discover, SkipPull: c.Karmada.SkipPull,
		ServicePrefix: c.Karmada.ServicePrefix, Namespace: c.Karmada.Namespace, Port: c.Karmada.Port,
		CAFile: c.Karmada.TLS.CAFile, CertFile: c.Karmada.TLS.CertFile, KeyFile: c.Karmada.TLS.KeyFile,
		InsecureSkipVerify: c.Karmada.TLS.InsecureSkipVerify, Plaintext: c.Karmada.TLS.Plaintext,
		Timeout: c.Timeout.Duration,
	}, members)
	if err != nil {
		return nil, fmt.Errorf("scheduler.estimators.karmada: %w", err)
	}
	context.AfterFunc(ctx, asked.Close)
	return []estimator.Estimator{members, asked}, nil
}

func descheduling(c config.Descheduler) deschedule.Options {
	return deschedule.Options{Disabled: !c.Enabled, Dwell: c.Dwell.Duration, Avoid: c.Avoid.Duration}
}
