package certificates

import (
	"crypto/x509"
	"crypto/x509/pkix"
	"net"
	"os"

	"atoll.dev/atoll/pkg/apiserver/datadir"
	"atoll.dev/atoll/pkg/apiserver/kubeconfig"
)

// Names in DATA/pki. A .pem file holds a certificate and its key.
const (
	servingFile           = "apiserver.pem"
	frontProxyFile        = "front-proxy-client.pem"
	adminFile             = "admin.pem"
	schedulerFile         = "scheduler.pem"
	controllersFile       = "controllers.pem"
	etcdServerFile        = "etcd-server.pem"
	etcdPeerFile          = "etcd-peer.pem"
	etcdClientFile        = "etcd-client.pem"
	serviceAccountKeyFile = "sa.key"
	serviceAccountPubFile = "sa.pub"
	clusterCAFile         = "ca.crt"
)

func serverLeaf(file string, issuer *authority, name string, dns []string, ips []net.IP) leaf {
	return leaf{file: file, issuer: issuer, name: pkix.Name{CommonName: name},
		usages: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}, dns: dns, ips: ips}
}

// CA is the bundle that clients of the API server trust, and by which it knows client certificates.
func (p *PKI) CA() string { return p.path(clusterCAFile) }

// CAKey is the key of the authority in CA, for the controller that signs certificate requests.
func (p *PKI) CAKey() string { return p.path("ca.key") }

// Serving holds the API server's certificate and its key.
func (p *PKI) Serving() string { return p.path(servingFile) }

// FrontProxyCA is the bundle by which aggregated API servers know the front proxy.
func (p *PKI) FrontProxyCA() string { return p.path("front-proxy-ca.crt") }

// FrontProxyClient holds the certificate, and its key, of the front proxy.
func (p *PKI) FrontProxyClient() string { return p.path(frontProxyFile) }

// ServiceAccountKey is the key that signs service-account tokens.
func (p *PKI) ServiceAccountKey() string { return p.path(serviceAccountKeyFile) }

// ServiceAccountPublicKeys holds all keys whose tokens are accepted.
func (p *PKI) ServiceAccountPublicKeys() string { return p.path(serviceAccountPubFile) }

// AdminKubeconfig is the administrator's way in.
func (p *PKI) AdminKubeconfig() string { return p.opts.AdminKubeconfig }

// SchedulerKubeconfig is the way in of a scheduler that runs as a process of its own.
func (p *PKI) SchedulerKubeconfig() string { return p.path("scheduler.kubeconfig") }

// ControllersKubeconfig is the way in of controllers that run as a process of their own.
func (p *PKI) ControllersKubeconfig() string { return p.path("controllers.kubeconfig") }

// EtcdCA, EtcdServer, EtcdPeer and EtcdClient exist only with Options.EtcdTLS.
func (p *PKI) EtcdCA() string     { return p.path("etcd-ca.crt") }
func (p *PKI) EtcdServer() string { return p.path(etcdServerFile) }
func (p *PKI) EtcdPeer() string   { return p.path(etcdPeerFile) }
func (p *PKI) EtcdClient() string { return p.path(etcdClientFile) }

// writeKubeconfigs derives the kubeconfigs from the certificates on disk. The
// administrator's embeds its certificate, since it gets copied; the roles' name
// the files beside them, since client-go reads those again when they are renewed.
func (p *PKI) writeKubeconfigs(ca *authority) error {
	server := serverURL(p.opts.BindAddress, p.opts.SecurePort)
	if p.opts.AdminKubeconfig != "" {
		admin, err := os.ReadFile(p.path(adminFile))
		if err != nil {
			return datadir.Explain(err, "read the administrator's certificate", p.path(adminFile))
		}
		if _, err := kubeconfig.Write(p.opts.AdminKubeconfig, kubeconfig.Entry{
			Name: ContextName, User: AdminUser, Server: server, CAData: ca.bundle, ClientPEM: admin,
		}); err != nil {
			return err
		}
	}
	for _, role := range []struct{ path, user, client string }{
		{p.SchedulerKubeconfig(), SchedulerUser, schedulerFile},
		{p.ControllersKubeconfig(), ControllersUser, controllersFile},
	} {
		if _, err := kubeconfig.Write(role.path, kubeconfig.Entry{
			Name: ContextName, User: role.user, Server: server, CAFile: clusterCAFile, ClientFile: role.client,
		}); err != nil {
			return err
		}
	}
	return nil
}
