package serverconfig

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"atoll.dev/atoll/pkg/scheduler/config"
)

// What a configuration file must say of itself.
const (
	APIVersion = "config.atoll.dev/v1alpha1"
	Kind       = "ServerConfiguration"
)

// ServerConfiguration configures every role of atolld; a role ignores what it has
// no use for. Paths in a file count from the directory of that file, paths in
// flags from the working directory.
type ServerConfiguration struct {
	// APIVersion and Kind are the constants of these names.
	APIVersion string `json:"apiVersion"`
	Kind       string `json:"kind"`

	// DataDir is the directory of all that outlives a restart. Default: /var/lib/atoll
	// for root, else ~/.local/share/atoll.
	DataDir string `json:"dataDir,omitempty"`
	// BindAddress is the IP address to serve on; 0.0.0.0 or :: means all. Default: 127.0.0.1.
	BindAddress string `json:"bindAddress,omitempty"`
	// SecurePort is the port to serve on. Default: 7443.
	SecurePort int `json:"securePort,omitempty"`
	// TLSSANs are further DNS names and IP addresses under which clients reach the server.
	TLSSANs []string `json:"tlsSANs,omitempty"`

	// Etcd says where objects are stored.
	Etcd Etcd `json:"etcd,omitempty"`
	// Certificates says how long certificates live.
	Certificates Certificates `json:"certificates,omitempty"`
	// FeatureGates turn features of the API server on or off by name.
	FeatureGates map[string]bool `json:"featureGates,omitempty"`
	// Logging says what is logged, and how.
	Logging Logging `json:"logging,omitempty"`
	// Audit is off unless a policy is given.
	Audit Audit `json:"audit,omitempty"`
	// Encryption at rest is off unless a file is given.
	Encryption Encryption `json:"encryption,omitempty"`
	// Admission turns admission plugins on and off, in addition to the defaults.
	Admission Admission `json:"admission,omitempty"`
	// Authentication adds ways to authenticate to client certificates and service-account tokens.
	Authentication Authentication `json:"authentication,omitempty"`
	// EventTTL is how long events are kept. Default: 1h.
	EventTTL metav1.Duration `json:"eventTTL,omitempty"`
	// Requests bounds what the API server takes on.
	Requests Requests `json:"requests,omitempty"`
	// LeaderElection of the roles that run as processes of their own.
	LeaderElection LeaderElection `json:"leaderElection,omitempty"`
	// Controllers bounds the work of controllers.
	Controllers Controllers `json:"controllers,omitempty"`
	// Scheduler configures how bindings are placed.
	Scheduler config.Scheduler `json:"scheduler,omitempty"`
	// ClientConnection is how a role that runs as a process of its own reaches the API server.
	ClientConnection ClientConnection `json:"clientConnection,omitempty"`
}

// Etcd is embedded unless Servers is set.
type Etcd struct {
	// Servers are the URLs of an external etcd, for example https://10.0.0.5:2379.
	Servers []string `json:"servers,omitempty"`
	// CAFile, CertFile and KeyFile are PEM files for an external etcd with TLS.
	CAFile   string `json:"caFile,omitempty"`
	CertFile string `json:"certFile,omitempty"`
	KeyFile  string `json:"keyFile,omitempty"`
	// Prefix of all keys. Default: /registry.
	Prefix string `json:"prefix,omitempty"`
	// QuotaBackendBytes is the size at which the embedded etcd takes no more writes. Default: 8 GiB.
	QuotaBackendBytes int64 `json:"quotaBackendBytes,omitempty"`
}

// External tells whether the etcd is someone else's process.
func (e Etcd) External() bool { return len(e.Servers) > 0 }

// Certificates configures those that the server makes.
type Certificates struct {
	// LeafDuration is the life of serving and client certificates, which are renewed
	// at two thirds of it. Default: 168h. Minimum: 3m.
	LeafDuration metav1.Duration `json:"leafDuration,omitempty"`
}

// LogFormat is a form of log lines.
type LogFormat string

// The log formats.
const (
	LogText LogFormat = "text"
	LogJSON LogFormat = "json"
)

// Logging configures the log on standard error.
type Logging struct {
	// Level is the verbosity, 0 (errors only) to 10. Default: 0.
	Level int `json:"level"`
	// Format is text or json. Default: text.
	Format LogFormat `json:"format,omitempty"`
}

// Audit configures the API server's audit log.
type Audit struct {
	// PolicyFile is a file of kind Policy, group audit.k8s.io.
	PolicyFile string `json:"policyFile,omitempty"`
	// LogPath is the file to write to; "-" is standard output.
	LogPath string `json:"logPath,omitempty"`
	// MaxAgeDays, MaxBackups and MaxSizeMiB bound the rotated files. Defaults: 30, 10, 100.
	MaxAgeDays int `json:"maxAgeDays,omitempty"`
	MaxBackups int `json:"maxBackups,omitempty"`
	MaxSizeMiB int `json:"maxSizeMiB,omitempty"`
	// WebhookConfigFile is a kubeconfig of a service that takes audit events.
	WebhookConfigFile string `json:"webhookConfigFile,omitempty"`
}

// Encryption configures encryption at rest.
type Encryption struct {
	// ProviderConfigFile is a file of kind EncryptionConfiguration, group apiserver.config.k8s.io.
	ProviderConfigFile string `json:"providerConfigFile,omitempty"`
}

// Admission names admission plugins.
type Admission struct {
	Enable  []string `json:"enable,omitempty"`
	Disable []string `json:"disable,omitempty"`
	// ConfigFile is a file of kind AdmissionConfiguration, group apiserver.config.k8s.io.
	ConfigFile string `json:"configFile,omitempty"`
}

// Authentication configures authenticators.
type Authentication struct {
	// ConfigFile is a file of kind AuthenticationConfiguration, group
	// apiserver.config.k8s.io: JWT issuers such as an OpenID Connect provider.
	ConfigFile string `json:"configFile,omitempty"`
	// TokenWebhookConfigFile is a kubeconfig of a service that reviews tokens.
	TokenWebhookConfigFile string `json:"tokenWebhookConfigFile,omitempty"`
}

// Requests bounds requests.
type Requests struct {
	// Timeout of requests that do not last by nature. Default: 1m.
	Timeout metav1.Duration `json:"timeout,omitempty"`
	// MaxInflight and MaxMutatingInflight add up to the API server's concurrency. Defaults: 400, 200.
	MaxInflight         int `json:"maxInflight,omitempty"`
	MaxMutatingInflight int `json:"maxMutatingInflight,omitempty"`
}

// LeaderElection configures leases.
type LeaderElection struct {
	// LeaseDuration is how long others wait for a leader that is silent. Default: 15s.
	LeaseDuration metav1.Duration `json:"leaseDuration,omitempty"`
	// RenewDeadline is how long a leader tries to renew before it steps down. Default: 10s.
	RenewDeadline metav1.Duration `json:"renewDeadline,omitempty"`
	// RetryPeriod is the pause between two tries. Default: 2s.
	RetryPeriod metav1.Duration `json:"retryPeriod,omitempty"`
}

// Controllers bounds controllers.
type Controllers struct {
	// Concurrency is how many objects of a kind are worked on at a time. Default: 8.
	Concurrency int `json:"concurrency,omitempty"`
}

// ClientConnection configures the client of a role.
type ClientConnection struct {
	// Kubeconfig is the file to connect with. Default: that of the role in DATA/pki.
	Kubeconfig string `json:"kubeconfig,omitempty"`
}
