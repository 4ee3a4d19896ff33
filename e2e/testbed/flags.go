package testbed

import (
	"crypto/x509/pkix"
	_ "embed"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

//go:embed authentication.yaml
var authenticationConfig []byte

//go:embed audit-policy.yaml
var auditPolicy []byte

// memberFiles are the paths of what a member's processes read.
type memberFiles struct {
	ca                                  *authority
	serverCert, serverKey               string
	serviceAccountKey, serviceAccountPK string
	frontProxyCA, proxyCert, proxyKey   string
	authentication, auditPolicy, stages string
	// Kubeconfigs; all of cluster administrators, under names that tell the
	// parts apart in the audit log.
	controllerManager, scheduler, kwok string
}

// BedUserPrefix starts the user names under which a bed's own processes write
// to their member, except for Kubernetes' own names of kube-scheduler and
// kube-controller-manager.
const BedUserPrefix = "bed:"

// AdminUser is the user of Member.Kubeconfig.
const AdminUser = "member-admin"

// writeFiles makes the member's certificates, configuration files and
// kubeconfigs unless they exist.
func (m *Member) writeFiles(port int) (*memberFiles, error) {
	at := func(name string) string { return filepath.Join(m.dir, name) }
	f := &memberFiles{
		serviceAccountKey: at("service-account.key"), serviceAccountPK: at("service-account.pub"),
		authentication: at("authentication.yaml"), auditPolicy: at("audit-policy.yaml"), stages: at("stages.yaml"),
		controllerManager: at("kube-controller-manager.kubeconfig"), scheduler: at("kube-scheduler.kubeconfig"), kwok: at("kwok.kubeconfig"),
	}
	var err error
	if f.ca, err = ensureAuthority(at("ca"), m.Name+"-ca"); err != nil {
		return nil, err
	}
	if f.serverCert, f.serverKey, err = f.ca.ensureLeaf(at("kube-apiserver"), pkix.Name{CommonName: "kube-apiserver"},
		"127.0.0.1", "localhost", "10.96.0.1", "kubernetes", "kubernetes.default", "kubernetes.default.svc", "kubernetes.default.svc.cluster.local"); err != nil {
		return nil, err
	}
	frontProxy, err := ensureAuthority(at("front-proxy-ca"), "front-proxy-ca")
	if err != nil {
		return nil, err
	}
	f.frontProxyCA = frontProxy.certFile
	if f.proxyCert, f.proxyKey, err = frontProxy.ensureLeaf(at("front-proxy-client"), pkix.Name{CommonName: "front-proxy-client"}); err != nil {
		return nil, err
	}
	if !exists(f.serviceAccountPK) {
		key, err := writeKey(f.serviceAccountKey)
		if err != nil {
			return nil, err
		}
		if err := writePublicKey(f.serviceAccountPK, key); err != nil {
			return nil, err
		}
	}
	kwokStages, err := stages()
	if err != nil {
		return nil, err
	}
	for path, data := range map[string][]byte{f.authentication: authenticationConfig, f.auditPolicy: auditPolicy, f.stages: []byte(kwokStages)} {
		if err := os.WriteFile(path, data, 0o600); err != nil {
			return nil, err
		}
	}
	server := fmt.Sprintf("https://127.0.0.1:%d", port)
	for path, user := range map[string]string{
		m.Kubeconfig:        AdminUser,
		f.controllerManager: "system:kube-controller-manager",
		f.scheduler:         "system:kube-scheduler",
		f.kwok:              BedUserPrefix + "kwok",
	} {
		base := at(strings.TrimSuffix(filepath.Base(path), ".kubeconfig") + "-client")
		cert, key, err := f.ca.ensureLeaf(base, pkix.Name{CommonName: user, Organization: []string{"system:masters"}})
		if err != nil {
			return nil, err
		}
		if err := writeKubeconfig(path, m.Name, server, f.ca.certFile, cert, key); err != nil {
			return nil, err
		}
	}
	return f, nil
}

func (m *Member) apiServerFlags(f *memberFiles, port int) []string {
	flags := []string{
		"--etcd-servers=" + m.bed.Etcd.Endpoint, "--etcd-prefix=/" + m.Name,
		"--bind-address=127.0.0.1", fmt.Sprintf("--secure-port=%d", port),
		// The Endpoints of service kubernetes cannot hold a loopback address.
		"--advertise-address=192.0.2.1", "--endpoint-reconciler-type=none",
		"--tls-cert-file=" + f.serverCert, "--tls-private-key-file=" + f.serverKey, "--client-ca-file=" + f.ca.certFile,
		"--authentication-config=" + f.authentication, "--authorization-mode=RBAC",
		"--service-account-issuer=https://kubernetes.default.svc.cluster.local",
		"--service-account-signing-key-file=" + f.serviceAccountKey, "--service-account-key-file=" + f.serviceAccountPK,
		"--service-cluster-ip-range=10.96.0.0/16",
		"--requestheader-client-ca-file=" + f.frontProxyCA, "--requestheader-allowed-names=front-proxy-client",
		"--requestheader-username-headers=X-Remote-User", "--requestheader-group-headers=X-Remote-Group",
		"--requestheader-extra-headers-prefix=X-Remote-Extra-",
		"--proxy-client-cert-file=" + f.proxyCert, "--proxy-client-key-file=" + f.proxyKey,
		"--allow-privileged=true", "--profiling=false",
	}
	if m.AuditLog != "" {
		flags = append(flags, "--audit-policy-file="+f.auditPolicy, "--audit-log-path="+m.AuditLog, "--audit-log-mode=blocking")
	}
	return flags
}

// unneeded are controllers on whose work nothing that a user of a member sees
// depends: without a cloud, volumes to attach, devices or address ranges of nodes.
var unneeded = []string{
	"bootstrap-signer-controller", "token-cleaner-controller", "ttl-controller", "node-ipam-controller",
	"persistentvolume-attach-detach-controller", "persistentvolume-expander-controller", "ephemeral-volume-controller",
	"resourceclaim-controller", "device-taint-eviction-controller", "legacy-serviceaccount-token-cleaner-controller",
	"selinux-warning-controller", "storageversion-garbage-collector-controller", "storage-version-migrator-controller",
	"kube-apiserver-serving-clustertrustbundle-publisher-controller", "podcertificaterequest-cleaner-controller",
	"volumeattributesclass-protection-controller",
	"service-lb-controller", "node-route-controller", "cloud-node-lifecycle-controller",
}

func (m *Member) controllerManagerFlags(f *memberFiles) []string {
	return []string{
		"--kubeconfig=" + f.controllerManager, "--leader-elect=false", "--secure-port=0", "--profiling=false",
		"--controllers=*,-" + strings.Join(unneeded, ",-"),
		"--service-account-private-key-file=" + f.serviceAccountKey, "--root-ca-file=" + f.ca.certFile,
		"--cluster-signing-cert-file=" + f.ca.certFile, "--cluster-signing-key-file=" + f.ca.keyFile,
		"--allocate-node-cidrs=false", "--kube-api-qps=500", "--kube-api-burst=1000",
	}
}

func schedulerFlags(f *memberFiles) []string {
	return []string{
		"--kubeconfig=" + f.scheduler, "--leader-elect=false", "--secure-port=0", "--profiling=false",
		"--kube-api-qps=500", "--kube-api-burst=1000",
	}
}

func kwokFlags(f *memberFiles, index int) []string {
	return []string{
		"--kubeconfig=" + f.kwok, "--config=" + f.stages, "--manage-all-nodes",
		// Without leases nodes flap, and their pods turn unready.
		"--node-lease-duration-seconds=40",
		fmt.Sprintf("--cidr=10.%d.0.1/16", 128+index%120), "--node-ip=192.0.2.1",
	}
}
