package etcdmember

import (
	"cmp"
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"path/filepath"

	"go.etcd.io/etcd/client/pkg/v3/transport"
	"go.etcd.io/etcd/server/v3/embed"
	"google.golang.org/grpc"
)

// Defaults of Config.
const (
	// DefaultName is the member's name.
	DefaultName = "atoll"
	// DefaultQuotaBackendBytes is the size at which the database takes no more writes: etcd's suggested maximum.
	DefaultQuotaBackendBytes = 8 << 30
	// DefaultMaxRequestBytes is etcd's own limit, so that what is stored here can be moved to any etcd.
	DefaultMaxRequestBytes = embed.DefaultMaxRequestBytes
	// DefaultSnapshotCount keeps at most this many log entries in memory and to be replayed at a start.
	DefaultSnapshotCount = 2000
	// DefaultSnapshotCatchUpEntries are kept for followers; there are none.
	DefaultSnapshotCatchUpEntries = 100
)

// peerURL is part of the membership that etcd stores, and of the member's ID. No
// one listens there.
const peerURL = "http://127.0.0.1:2380"

// TLSFiles name PEM files; all three, or none.
type TLSFiles struct {
	CAFile, CertFile, KeyFile string
}

// Config of Start. Only Dir must be set.
type Config struct {
	// Dir is the directory of the member; it is made if missing.
	Dir string
	// Name of the member; DefaultName if empty. It must not change later.
	Name string
	// Token sets clusters apart that would otherwise get the same IDs. It counts on the first start only.
	Token string

	// Listen is an https:// URL with an IP address and a port, to listen there
	// under ServerTLS instead of on a Unix socket in Dir.
	Listen string
	// ServerTLS is the member's certificate, and the authority of its clients.
	ServerTLS TLSFiles
	// ClientTLS is passed on by Member.TLS.
	ClientTLS TLSFiles

	// QuotaBackendBytes, MaxRequestBytes, SnapshotCount and SnapshotCatchUpEntries
	// are etcd's options of these names; their defaults are above.
	QuotaBackendBytes      int64
	MaxRequestBytes        uint
	SnapshotCount          uint64
	SnapshotCatchUpEntries uint64
}

func (c Config) withDefaults() (Config, error) {
	if c.Dir == "" {
		return c, errors.New("cannot start etcd: no directory")
	}
	dir, err := filepath.Abs(c.Dir)
	if err != nil {
		return c, fmt.Errorf("cannot make etcd's directory absolute: %w", err)
	}
	c.Dir = dir
	c.Name = cmp.Or(c.Name, DefaultName)
	c.Token = cmp.Or(c.Token, c.Name)
	c.QuotaBackendBytes = cmp.Or(c.QuotaBackendBytes, DefaultQuotaBackendBytes)
	c.MaxRequestBytes = cmp.Or(c.MaxRequestBytes, DefaultMaxRequestBytes)
	c.SnapshotCount = cmp.Or(c.SnapshotCount, DefaultSnapshotCount)
	c.SnapshotCatchUpEntries = cmp.Or(c.SnapshotCatchUpEntries, DefaultSnapshotCatchUpEntries)
	if c.Listen == "" {
		return c, nil
	}
	u, err := url.Parse(c.Listen)
	if err != nil || u.Scheme != "https" {
		return c, fmt.Errorf("cannot listen on %q: give an URL such as https://127.0.0.1:2379", c.Listen)
	}
	if _, err := netip.ParseAddrPort(u.Host); err != nil {
		return c, fmt.Errorf("cannot listen on %q: give an IP address and a port, such as https://127.0.0.1:2379", c.Listen)
	}
	if c.ServerTLS.CAFile == "" || c.ServerTLS.CertFile == "" || c.ServerTLS.KeyFile == "" {
		return c, fmt.Errorf("cannot listen on %s: a port needs a certificate, its key and the clients' authority", c.Listen)
	}
	return c, nil
}

// embedConfig translates into etcd's terms. What is not said here is etcd's default.
func (c Config) embedConfig(at sockets, register func(*grpc.Server)) *embed.Config {
	peer := mustURL(peerURL)
	cfg := embed.NewConfig()
	cfg.Dir = c.Dir
	cfg.Name = c.Name
	cfg.InitialClusterToken = c.Token
	cfg.ListenPeerUrls = nil
	cfg.AdvertisePeerUrls = []url.URL{peer}
	cfg.InitialCluster = cfg.InitialClusterFromName(c.Name)
	// gRPC gets a listener to itself: sharing one with HTTP costs a sniffing
	// layer per connection, and under TLS Go's slower HTTP/2 server.
	cfg.ListenClientUrls = []url.URL{at.grpc}
	cfg.ListenClientHttpUrls = []url.URL{at.http}
	// A socket is of no use to other hosts; etcd would not even take its URL.
	cfg.AdvertiseClientUrls = []url.URL{}
	if c.Listen != "" {
		cfg.AdvertiseClientUrls = []url.URL{at.grpc}
		cfg.ClientTLSInfo = transport.TLSInfo{
			CertFile: c.ServerTLS.CertFile, KeyFile: c.ServerTLS.KeyFile,
			TrustedCAFile: c.ServerTLS.CAFile, ClientCertAuth: true,
		}
	}
	// A single member has no one to hear from: it stands for election after one
	// to five ticks, and all that longer ones would do is to delay every start.
	cfg.TickMs, cfg.ElectionMs = 20, 100
	cfg.ServiceRegister = register
	cfg.EnableGRPCGateway = false

	cfg.QuotaBackendBytes = c.QuotaBackendBytes
	cfg.MaxRequestBytes = c.MaxRequestBytes
	cfg.SnapshotCount = c.SnapshotCount
	cfg.SnapshotCatchUpEntries = c.SnapshotCatchUpEntries
	cfg.MaxSnapFiles, cfg.MaxWalFiles = 2, 2
	cfg.BackendFreelistType = "map"
	cfg.WarningUnaryRequestDuration = embed.DefaultWarningUnaryRequestDuration // 0 would warn of every request
	// The API server compacts; etcd must not do so as well.
	cfg.AutoCompactionMode, cfg.AutoCompactionRetention = embed.CompactorModePeriodic, "0"
	return cfg
}

func mustURL(s string) url.URL {
	u, err := url.Parse(s)
	if err != nil {
		panic(err) // of a constant
	}
	return *u
}
