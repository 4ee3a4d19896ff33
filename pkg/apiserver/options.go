package apiserver

import (
	"fmt"
	"net"
	"time"

	"k8s.io/apiserver/pkg/admission/plugin/resourcequota"
	"k8s.io/apiserver/pkg/storage/storagebackend"
	"k8s.io/kubernetes/pkg/controlplane/apiserver/options"
	"k8s.io/kubernetes/plugin/pkg/admission/defaulttolerationseconds"
	"k8s.io/kubernetes/plugin/pkg/admission/serviceaccount"
)

// Options say where the API server listens, stores and finds its keys. All file
// paths are absolute; what they name must exist.
type Options struct {
	// BindAddress and Port are where TLS is served.
	BindAddress net.IP
	Port        int
	// AdvertiseAddress is told to clients that ask for the server's own address; it is never 0.0.0.0.
	AdvertiseAddress net.IP

	Etcd EtcdOptions
	Keys KeyFiles

	// AuditPolicyFile and AuditLogPath turn on the audit log; both or neither.
	AuditPolicyFile string
	AuditLogPath    string
	// AuthenticationConfigFile holds an AuthenticationConfiguration (JWT issuers); empty for none.
	AuthenticationConfigFile string
	// EncryptionConfigFile holds an EncryptionConfiguration for data at rest; empty for none.
	EncryptionConfigFile string
	// EnableAdmission and DisableAdmission name admission plugins to switch from their default.
	EnableAdmission  []string
	DisableAdmission []string
	// EventTTL is how long Events are kept; 0 means one hour.
	EventTTL time.Duration
	// RequestTimeout bounds a request that is not long-running; 0 means 60 s.
	RequestTimeout time.Duration
	// MaxRequestsInFlight and MaxMutatingRequestsInFlight bound concurrency; 0 means Kubernetes' defaults (400, 200).
	MaxRequestsInFlight         int
	MaxMutatingRequestsInFlight int
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
	s := options.NewOptions()

	s.SecureServing.BindAddress = o.BindAddress
	s.SecureServing.BindPort = o.Port
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
	if o.EventTTL > 0 {
		s.EventTTL = o.EventTTL
	}

	s.Authentication.ClientCert.ClientCA = o.Keys.ClientCA
	s.Authentication.RequestHeader.ClientCAFile = o.Keys.FrontProxyCA
	s.Authentication.RequestHeader.AllowedNames = []string{FrontProxyClientName}
	s.Authentication.RequestHeader.UsernameHeaders = []string{"X-Remote-User"}
	s.Authentication.RequestHeader.GroupHeaders = []string{"X-Remote-Group"}
	s.Authentication.RequestHeader.ExtraHeaderPrefixes = []string{"X-Remote-Extra-"}
	s.Authentication.AuthenticationConfigFile = o.AuthenticationConfigFile
	s.Authentication.ServiceAccounts.Issuers = []string{ServiceAccountIssuer}
	s.Authentication.ServiceAccounts.KeyFiles = o.Keys.ServiceAccountPublic
	s.Authentication.ServiceAccounts.OptionalTokenGetter = tokenGetter
	s.ServiceAccountSigningKeyFile = o.Keys.ServiceAccountSigning
	s.ProxyClientCertFile = o.Keys.FrontProxyCert
	s.ProxyClientKeyFile = o.Keys.FrontProxyKey
	s.Authorization.Modes = []string{"RBAC"}

	if (o.AuditPolicyFile == "") != (o.AuditLogPath == "") {
		return nil, fmt.Errorf("audit: policyFile and logPath must be given together")
	}
	s.Audit.PolicyFile = o.AuditPolicyFile
	s.Audit.LogOptions.Path = o.AuditLogPath

	registerAdmission(s.Admission)
	s.Admission.GenericAdmission.DefaultOffPlugins.Insert(templateOnlyAdmission...)
	s.Admission.GenericAdmission.EnablePlugins = o.EnableAdmission
	s.Admission.GenericAdmission.DisablePlugins = o.DisableAdmission

	// Kubernetes' own system namespaces and ours: all exist from the first second on.
	s.SystemNamespaces = append(s.SystemNamespaces, systemNamespaces...)
	return s, nil
}
