package apiserver

import (
	"fmt"
	"net"
	"time"

	"k8s.io/apiserver/pkg/admission/plugin/resourcequota"
	serveroptions "k8s.io/apiserver/pkg/server/options"
	"k8s.io/apiserver/pkg/storage/storagebackend"
	utilfeature "k8s.io/apiserver/pkg/util/feature"
	"k8s.io/kubernetes/pkg/controlplane/apiserver/options"
	"k8s.io/kubernetes/pkg/kubeapiserver"
	"k8s.io/kubernetes/plugin/pkg/admission/defaulttolerationseconds"
	"k8s.io/kubernetes/plugin/pkg/admission/serviceaccount"

	"atoll.dev/atoll/pkg/apiserver/certificates"
)

// Options say where the API server listens, stores and finds its keys. All file
// paths are absolute; what they name must exist.
type Options struct {
	// Listener is where TLS is served. The server closes it.
	Listener net.Listener
	// AdvertiseAddress is told to clients that ask for the server's own address; it is never 0.0.0.0.
	AdvertiseAddress net.IP

	Etcd EtcdOptions
	Keys KeyFiles

	// FeatureGates switch Kubernetes' feature gates from their default.
	FeatureGates map[string]bool
	Audit        AuditOptions
	// AuthenticationConfigFile holds an AuthenticationConfiguration (JWT issuers); empty for none.
	AuthenticationConfigFile string
	// TokenWebhookConfigFile is a kubeconfig of a service that reviews tokens; empty for none.
	TokenWebhookConfigFile string
	// EncryptionConfigFile holds an EncryptionConfiguration for data at rest; empty for none.
	EncryptionConfigFile string
	// EnableAdmission and DisableAdmission name admission plugins to switch from their default.
	EnableAdmission  []string
	DisableAdmission []string
	// AdmissionConfigFile holds an AdmissionConfiguration; empty for none.
	AdmissionConfigFile string
	// EventTTL is how long Events are kept; 0 means one hour.
	EventTTL time.Duration
	// RequestTimeout bounds a request that is not long-running; 0 means 60 s.
	RequestTimeout time.Duration
	// MaxRequestsInFlight and MaxMutatingRequestsInFlight bound concurrency; 0 means Kubernetes' defaults (400, 200).
	MaxRequestsInFlight         int
	MaxMutatingRequestsInFlight int
}

// AuditOptions configure the audit log; without a policy there is none. A number
// that is 0 leaves Kubernetes' default.
type AuditOptions struct {
	PolicyFile, LogPath, WebhookConfigFile string
	MaxAgeDays, MaxBackups, MaxSizeMiB     int
}

// EtcdOptions name the etcd that the server stores in.
type EtcdOptions struct {
	Servers                   []string
	CAFile, CertFile, KeyFile string
	// Prefix of all keys; empty means /registry.
	Prefix string
}

// KeyFiles are the certificates and keys that the server reads, and reads again when they change.
type KeyFiles struct {
	ServingCert, ServingKey       string
	ClientCA                      string
	FrontProxyCA                  string
	FrontProxyCert, FrontProxyKey string
	// ServiceAccountPublic verify tokens, ServiceAccountSigning signs them.
	ServiceAccountPublic  []string
	ServiceAccountSigning string
}

// ServiceAccountIssuer is the issuer in the tokens of service accounts.
const ServiceAccountIssuer = "https://kubernetes.default.svc"

// templateOnlyAdmission are plugins that would act on a template as if its pods ran
// here: tolerations, tokens and quotas are the business of the member that runs it.
var templateOnlyAdmission = []string{
	defaulttolerationseconds.PluginName,
	serviceaccount.PluginName,
	resourcequota.PluginName,
	"LimitRanger", "Priority", "PodSecurity", "RuntimeClass", "TaintNodesByCondition",
	"StorageObjectInUseProtection", "PersistentVolumeClaimResize", "DefaultStorageClass", "DefaultIngressClass",
	"PodTopologyLabels", "NodeDeclaredFeatureValidator",
}

func (o Options) kubernetes() (*options.Options, error) {
	if err := utilfeature.DefaultMutableFeatureGate.SetFromMap(o.FeatureGates); err != nil {
		return nil, fmt.Errorf("featureGates: %w", err)
	}
	s := options.NewOptions()

	listens, ok := o.Listener.Addr().(*net.TCPAddr)
	if !ok {
		return nil, fmt.Errorf("cannot serve TLS on %s: not a TCP listener", o.Listener.Addr())
	}
	s.SecureServing.Listener = o.Listener
	s.SecureServing.BindAddress = listens.IP
	s.SecureServing.BindPort = listens.Port
	s.SecureServing.ServerCert.CertKey.CertFile = o.Keys.ServingCert
	s.SecureServing.ServerCert.CertKey.KeyFile = o.Keys.ServingKey
	s.SecureServing.MinTLSVersion = "VersionTLS12"
	s.GenericServerRunOptions.AdvertiseAddress = o.AdvertiseAddress
	if o.RequestTimeout > 0 {
		s.GenericServerRunOptions.RequestTimeout = o.RequestTimeout
	}
	if o.MaxRequestsInFlight > 0 {
		s.GenericServerRunOptions.MaxRequestsInFlight = o.MaxRequestsInFlight
	}
	if o.MaxMutatingRequestsInFlight > 0 {
		s.GenericServerRunOptions.MaxMutatingRequestsInFlight = o.MaxMutatingRequestsInFlight
	}

	s.Etcd.StorageConfig.Type = storagebackend.StorageTypeETCD3
	s.Etcd.StorageConfig.Transport.ServerList = o.Etcd.Servers
	s.Etcd.StorageConfig.Transport.TrustedCAFile = o.Etcd.CAFile
	s.Etcd.StorageConfig.Transport.CertFile = o.Etcd.CertFile
	s.Etcd.StorageConfig.Transport.KeyFile = o.Etcd.KeyFile
	if o.Etcd.Prefix != "" {
		s.Etcd.StorageConfig.Prefix = o.Etcd.Prefix
	}
	s.Etcd.EncryptionProviderConfigFilepath = o.EncryptionConfigFile
	s.Etcd.EncryptionProviderConfigAutomaticReload = o.EncryptionConfigFile != ""
	// As kube-apiserver does: events are written far more often than read, and are gone within the hour.
	uncached, err := serveroptions.WriteWatchCacheSizes(kubeapiserver.DefaultWatchCacheSizes())
	if err != nil {
		return nil, fmt.Errorf("watch cache: %w", err)
	}
	s.Etcd.WatchCacheSizes = uncached
	if o.EventTTL > 0 {
		s.EventTTL = o.EventTTL
	}

	s.Authentication.ClientCert.ClientCA = o.Keys.ClientCA
	s.Authentication.RequestHeader.ClientCAFile = o.Keys.FrontProxyCA
	s.Authentication.RequestHeader.AllowedNames = []string{certificates.FrontProxyUser}
	s.Authentication.RequestHeader.UsernameHeaders = []string{"X-Remote-User"}
	s.Authentication.RequestHeader.GroupHeaders = []string{"X-Remote-Group"}
	s.Authentication.RequestHeader.ExtraHeaderPrefixes = []string{"X-Remote-Extra-"}
	s.Authentication.AuthenticationConfigFile = o.AuthenticationConfigFile
	s.Authentication.WebHook.ConfigFile = o.TokenWebhookConfigFile
	s.Authentication.ServiceAccounts.Issuers = []string{ServiceAccountIssuer}
	s.Authentication.ServiceAccounts.KeyFiles = o.Keys.ServiceAccountPublic
	s.Authentication.ServiceAccounts.OptionalTokenGetter = tokenGetter
	s.ServiceAccountSigningKeyFile = o.Keys.ServiceAccountSigning
	s.ProxyClientCertFile = o.Keys.FrontProxyCert
	s.ProxyClientKeyFile = o.Keys.FrontProxyKey
	s.Authorization.Modes = []string{"RBAC"}

	s.Audit.PolicyFile = o.Audit.PolicyFile
	s.Audit.LogOptions.Path = o.Audit.LogPath
	s.Audit.LogOptions.MaxAge = o.Audit.MaxAgeDays
	s.Audit.LogOptions.MaxBackups = o.Audit.MaxBackups
	s.Audit.LogOptions.MaxSize = o.Audit.MaxSizeMiB
	s.Audit.WebhookOptions.ConfigFile = o.Audit.WebhookConfigFile

	registerAdmission(s.Admission)
	s.Admission.GenericAdmission.ConfigFile = o.AdmissionConfigFile
	s.Admission.GenericAdmission.DefaultOffPlugins.Insert(templateOnlyAdmission...)
	s.Admission.GenericAdmission.EnablePlugins = o.EnableAdmission
	s.Admission.GenericAdmission.DisablePlugins = o.DisableAdmission

	// Kubernetes' own system namespaces and ours: all exist from the first second on.
	s.SystemNamespaces = append(s.SystemNamespaces, systemNamespaces...)
	return s, nil
}
