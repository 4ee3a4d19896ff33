package remote

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"os"
	"strconv"
	"time"

	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"k8s.io/utils/clock"

	clusterv1alpha1 "github.com/karmada-io/karmada/pkg/apis/cluster/v1alpha1"

	"atoll.dev/atoll/apis/karmada/wellknown"
	"atoll.dev/atoll/pkg/scheduler/snapshot"
)

// Options say where estimators are and how they are asked. The defaults are those of
// Karmada's scheduler.
type Options struct {
	// Discover asks for each member the estimator behind the Service
	// <ServicePrefix>-<cluster> in Namespace, at Port. Without it only members whose
	// Cluster has the annotation scheduler.atoll.dev/estimator are asked, at the
	// address host:port that it gives; the annotation wins over discovery, too, and
	// with the value "none" it turns the estimator of a member off.
	Discover bool
	// SkipPull leaves members in pull mode out of Discover.
	SkipPull bool
	// ServicePrefix defaults to karmada-scheduler-estimator.
	ServicePrefix string
	// Namespace of the Services, in the cluster that the scheduler runs in. Defaults to karmada-system.
	Namespace string
	// Port of the Services. Defaults to 10352.
	Port int

	// CAFile has the certificates, in PEM, that estimators are verified against.
	CAFile string
	// CertFile and KeyFile, in PEM, are what the scheduler shows to estimators; none if
	// empty. They are read for each new connection, so that they can be renewed.
	CertFile, KeyFile string
	// InsecureSkipVerify accepts any certificate of an estimator.
	InsecureSkipVerify bool
	// Plaintext connects without TLS.
	Plaintext bool

	// Timeout is how long a decision waits for estimators, for all of them together. Defaults to 3s.
	Timeout time.Duration
	// Backoff is how long an estimator that failed is left out. Defaults to 15s.
	Backoff time.Duration
	// MaxConnections is how many connections are kept; the one not used for longest is
	// closed for another. Defaults to 1000.
	MaxConnections int
	// MaxCalls is how many questions are under way at once, over all decisions. Defaults to 512.
	MaxCalls int
	// Clock defaults to the machine's.
	Clock clock.PassiveClock
}

// complete fills in defaults, or says what is wrong with an option.
func (o Options) complete() (Options, error) {
	orDefault(&o.ServicePrefix, "karmada-scheduler-estimator")
	orDefault(&o.Namespace, wellknown.KarmadaSystemNamespace)
	orDefault(&o.Port, 10352)
	orDefault(&o.Timeout, 3*time.Second)
	orDefault(&o.Backoff, 15*time.Second)
	orDefault(&o.MaxConnections, 1000)
	orDefault(&o.MaxCalls, 512)
	if o.Clock == nil {
		o.Clock = clock.RealClock{}
	}
	switch {
	case o.Port < 1 || o.Port > 65535:
		return o, fmt.Errorf("estimator port: %d is no port; give a number from 1 to 65535", o.Port)
	case o.Timeout < 0:
		return o, fmt.Errorf("estimator timeout: %s is negative; give how long a decision may wait, such as 3s", o.Timeout)
	case o.Backoff < 0:
		return o, fmt.Errorf("estimator backoff: %s is negative; give how long a failed estimator is left out, such as 15s", o.Backoff)
	case o.MaxConnections < 0:
		return o, fmt.Errorf("estimator connections: %d is negative; give how many to keep, or 0 for the default", o.MaxConnections)
	case o.MaxCalls < 0:
		return o, fmt.Errorf("estimator calls: %d is negative; give how many to make at once, or 0 for the default", o.MaxCalls)
	case o.Plaintext && (o.CAFile != "" || o.CertFile != "" || o.KeyFile != "" || o.InsecureSkipVerify):
		return o, fmt.Errorf("estimator TLS: plaintext excludes certificates and their verification; leave out either")
	case !o.Plaintext && o.CAFile == "" && !o.InsecureSkipVerify:
		return o, fmt.Errorf("estimator CA file: it is empty; name the file with the estimators' CA, or ask for plaintext if they serve without TLS")
	case (o.CertFile == "") != (o.KeyFile == ""):
		return o, fmt.Errorf("estimator certificate: %q goes with key %q; name both files or neither", o.CertFile, o.KeyFile)
	}
	return o, nil
}

func orDefault[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}

// transport makes what secures connections, and reads every file once to tell early what is wrong with it.
func (o *Options) transport() (credentials.TransportCredentials, error) {
	if o.Plaintext {
		return insecure.NewCredentials(), nil
	}
	config := &tls.Config{MinVersion: tls.VersionTLS12, InsecureSkipVerify: o.InsecureSkipVerify} // #nosec G402: only if asked for
	if o.CAFile != "" {
		pem, err := os.ReadFile(o.CAFile)
		if err != nil {
			return nil, fmt.Errorf("estimator CA file: %w", err)
		}
		config.RootCAs = x509.NewCertPool()
		if !config.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("estimator CA file: %s has no certificate; give certificates in PEM", o.CAFile)
		}
	}
	if o.CertFile != "" {
		load := func() (*tls.Certificate, error) {
			certificate, err := tls.LoadX509KeyPair(o.CertFile, o.KeyFile)
			if err != nil {
				return nil, fmt.Errorf("estimator certificate: %w", err)
			}
			return &certificate, nil
		}
		if _, err := load(); err != nil {
			return nil, err
		}
		config.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return load() }
	}
	return credentials.NewTLS(config), nil
}

// addressOf returns where the estimator of a member is, empty if it has none, or what is
// wrong with the address that its Cluster gives.
func (o *Options) addressOf(c *snapshot.Cluster) (string, error) {
	given, ok := c.Object.Annotations[wellknown.EstimatorAnnotation]
	switch {
	case ok && given == wellknown.NoEstimator:
		return "", nil
	case ok:
		host, port, err := net.SplitHostPort(given)
		if n, e := strconv.Atoi(port); err != nil || host == "" || e != nil || n < 1 || n > 65535 {
			return "", fmt.Errorf("annotation %s: %q is no address; give host:port, or %q", wellknown.EstimatorAnnotation, given, wellknown.NoEstimator)
		}
		return given, nil
	case o.Discover && !(o.SkipPull && c.Object.Spec.SyncMode == clusterv1alpha1.Pull):
		return net.JoinHostPort(fmt.Sprintf("%s-%s.%s.svc", o.ServicePrefix, c.Name, o.Namespace), strconv.Itoa(o.Port)), nil
	default:
		return "", nil
	}
}
