package certificates

import (
	"cmp"
	"context"
	"crypto/x509"
	"fmt"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"k8s.io/klog/v2"
	"k8s.io/utils/clock"

	"atoll.dev/atoll/pkg/apiserver/datadir"
)

// DefaultLeafDuration is the life of a leaf certificate unless Options say otherwise.
const DefaultLeafDuration = 7 * 24 * time.Hour

// Options of Open.
type Options struct {
	// Directory is DATA/pki; it exists.
	Directory string
	// AdminKubeconfig is where the administrator's kubeconfig is kept.
	AdminKubeconfig string
	// BindAddress is the IP address the API server listens on; a wildcard adds no name.
	BindAddress string
	// SecurePort is the port in the kubeconfigs' URL.
	SecurePort int
	// TLSSANs are further DNS names and IP addresses for the serving certificate.
	TLSSANs []string
	// EtcdTLS asks for certificates of an etcd that is reached by TLS, for EtcdSANs besides localhost.
	EtcdTLS  bool
	EtcdSANs []string
	// LeafDuration is the life of a leaf; DefaultLeafDuration if 0.
	LeafDuration time.Duration
	// Clock tells when leaves are due; the real clock if nil.
	Clock clock.Clock
}

// PKI is the set of keys and certificates of a control plane. Its methods are
// safe for concurrent use.
type PKI struct {
	opts Options

	mu       sync.Mutex // held through a pass; guards expiries
	expiries []Expiry
}

// Expiry says until when a certificate is valid.
type Expiry struct {
	// File holds the certificate.
	File string
	// NotAfter is its end.
	NotAfter time.Time
	// Authority is set for certificates that no one renews by themselves.
	Authority bool

	due time.Time // of a leaf's renewal
}

// Open makes the keys and certificates that are missing, renews the leaves that
// are due or no longer fit the options, and writes the kubeconfigs. A file that it
// cannot repair is a *FileError, a full disk or a lack of rights the errors of
// package datadir. Nothing else may write in opts.Directory meanwhile: hold the
// data directory's lock.
func Open(ctx context.Context, opts Options) (*PKI, error) {
	opts.LeafDuration = cmp.Or(opts.LeafDuration, DefaultLeafDuration)
	if opts.Clock == nil {
		opts.Clock = clock.RealClock{}
	}
	if err := datadir.RemoveTemporaries(opts.Directory); err != nil {
		return nil, err
	}
	p := &PKI{opts: opts}
	if err := p.Reconcile(ctx); err != nil {
		return nil, err
	}
	return p, nil
}

// Reconcile brings everything to the state that Open describes, and writes only
// what is not in that state.
func (p *PKI) Reconcile(ctx context.Context) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := p.opts.Clock.Now()
	auth, err := p.ensureAuthorities(now)
	if err != nil {
		return err
	}
	if err := ensureServiceAccountKeys(p.opts.Directory); err != nil {
		return err
	}
	leaves, err := p.leaves(auth)
	if err != nil {
		return err
	}
	expiries := auth.expiries()
	for _, l := range leaves {
		cert, reason, err := l.ensure(p.opts.Directory, now, p.opts.LeafDuration)
		if err != nil {
			return err
		}
		if reason != "" {
			klog.FromContext(ctx).V(1).Info("Issued certificate", "file", p.path(l.file), "reason", reason, "notAfter", cert.NotAfter)
		}
		expiries = append(expiries, Expiry{File: p.path(l.file), NotAfter: cert.NotAfter, due: renewalTime(cert)})
	}
	p.expiries = expiries
	return p.writeKubeconfigs(auth.cluster)
}

// authorities of one control plane. etcd is nil unless asked for.
type authorities struct {
	cluster, frontProxy, etcd *authority
}

func (p *PKI) ensureAuthorities(now time.Time) (a authorities, err error) {
	if a.cluster, err = ensureAuthority(p.opts.Directory, "ca", "atoll", now); err != nil {
		return a, err
	}
	if a.frontProxy, err = ensureAuthority(p.opts.Directory, "front-proxy-ca", "atoll-front-proxy", now); err != nil {
		return a, err
	}
	if p.opts.EtcdTLS {
		a.etcd, err = ensureAuthority(p.opts.Directory, "etcd-ca", "atoll-etcd", now)
	}
	return a, err
}

func (a authorities) expiries() []Expiry {
	var out []Expiry
	for _, one := range []*authority{a.cluster, a.frontProxy, a.etcd} {
		if one != nil {
			out = append(out, Expiry{File: one.file, NotAfter: one.cert.NotAfter, Authority: true})
		}
	}
	return out
}

// leaves lists every leaf of the control plane. The order is that of issue.
func (p *PKI) leaves(a authorities) ([]leaf, error) {
	dns, ips, err := servingNames(p.opts.BindAddress, p.opts.TLSSANs)
	if err != nil {
		return nil, fmt.Errorf("cannot use --tls-san: %w", err)
	}
	out := []leaf{
		serverLeaf(servingFile, a.cluster, "atoll-apiserver", dns, ips),
		clientLeaf(frontProxyFile, a.frontProxy, FrontProxyUser),
		clientLeaf(adminFile, a.cluster, AdminUser, AdminGroup),
		clientLeaf(schedulerFile, a.cluster, SchedulerUser),
		clientLeaf(controllersFile, a.cluster, ControllersUser),
	}
	if a.etcd == nil {
		return out, nil
	}
	dns, ips, err = splitNames(append([]string{"localhost", "127.0.0.1", "::1"}, p.opts.EtcdSANs...))
	if err != nil {
		return nil, fmt.Errorf("cannot use etcd's names: %w", err)
	}
	// Members are clients of one another under the certificate with which they serve.
	peer := serverLeaf(etcdPeerFile, a.etcd, "atoll-etcd-peer", dns, ips)
	peer.usages = append(peer.usages, x509.ExtKeyUsageClientAuth)
	return append(out, serverLeaf(etcdServerFile, a.etcd, "atoll-etcd", dns, ips), peer,
		clientLeaf(etcdClientFile, a.etcd, EtcdClientUser)), nil
}

// Expiries lists the certificates in force, the soonest to end first.
func (p *PKI) Expiries() []Expiry {
	p.mu.Lock()
	defer p.mu.Unlock()
	out := slices.Clone(p.expiries)
	slices.SortStableFunc(out, func(a, b Expiry) int { return a.NotAfter.Compare(b.NotAfter) })
	return out
}

func (p *PKI) path(name string) string { return filepath.Join(p.opts.Directory, name) }
