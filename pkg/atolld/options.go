package atolld

import (
	"fmt"
	"net"

	"atoll.dev/atoll/pkg/apiserver"
	"atoll.dev/atoll/pkg/apiserver/certificates"
	"atoll.dev/atoll/pkg/housekeeping"
	"atoll.dev/atoll/pkg/serverconfig"
)

// apiserverOptions translates the configuration, which has been validated.
func apiserverOptions(c *serverconfig.ServerConfiguration, listener net.Listener, pki *certificates.PKI, etcd apiserver.EtcdOptions) apiserver.Options {
	advertise := net.ParseIP(c.BindAddress)
	if advertise.IsUnspecified() {
		advertise = net.IPv4(127, 0, 0, 1)
	}
	return apiserver.Options{
		Listener:         listener,
		AdvertiseAddress: advertise,
		Etcd:             etcd,
		Keys: apiserver.KeyFiles{
			ServingCert: pki.Serving(), ServingKey: pki.Serving(),
			ClientCA:     pki.CA(),
			FrontProxyCA: pki.FrontProxyCA(), FrontProxyCert: pki.FrontProxyClient(), FrontProxyKey: pki.FrontProxyClient(),
			ServiceAccountPublic:  []string{pki.ServiceAccountPublicKeys()},
			ServiceAccountSigning: pki.ServiceAccountKey(),
		},
		FeatureGates: c.FeatureGates,
		Audit: apiserver.AuditOptions{
			PolicyFile: c.Audit.PolicyFile, LogPath: c.Audit.LogPath, WebhookConfigFile: c.Audit.WebhookConfigFile,
			MaxAgeDays: c.Audit.MaxAgeDays, MaxBackups: c.Audit.MaxBackups, MaxSizeMiB: c.Audit.MaxSizeMiB,
		},
		AuthenticationConfigFile:    c.Authentication.ConfigFile,
		TokenWebhookConfigFile:      c.Authentication.TokenWebhookConfigFile,
		EncryptionConfigFile:        c.Encryption.ProviderConfigFile,
		EnableAdmission:             c.Admission.Enable,
		DisableAdmission:            c.Admission.Disable,
		AdmissionConfigFile:         c.Admission.ConfigFile,
		EventTTL:                    c.EventTTL.Duration,
		RequestTimeout:              c.Requests.Timeout.Duration,
		MaxRequestsInFlight:         c.Requests.MaxInflight,
		MaxMutatingRequestsInFlight: c.Requests.MaxMutatingInflight,
	}
}

// housekeepingKeys are the keys that kube-controller-manager's loops need.
func housekeepingKeys(pki *certificates.PKI) housekeeping.Options {
	return housekeeping.Options{
		ServiceAccountSigningKey: pki.ServiceAccountKey(),
		CA:                       pki.CA(),
		ClientCACert:             pki.CA(),
		ClientCAKey:              pki.CAKey(),
	}
}

func electionOf(c *serverconfig.ServerConfiguration) electionTimes {
	return electionTimes{
		lease: c.LeaderElection.LeaseDuration.Duration,
		renew: c.LeaderElection.RenewDeadline.Duration,
		retry: c.LeaderElection.RetryPeriod.Duration,
	}
}

// joined adds what went wrong while cleaning up to why there was something to clean up.
func joined(err, cleanup error) error {
	if cleanup == nil {
		return err
	}
	return fmt.Errorf("%w (and then: %v)", err, cleanup)
}
