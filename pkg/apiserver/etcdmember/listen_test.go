package etcdmember

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.etcd.io/etcd/client/pkg/v3/transport"
	clientv3 "go.etcd.io/etcd/client/v3"

	"atoll.dev/atoll/pkg/apiserver/certificates"
)

func TestSocketsArePrivate(t *testing.T) {
	for name, dir := range map[string]string{
		"short path": filepath.Join(t.TempDir(), "etcd"),
		"long path":  filepath.Join(t.TempDir(), strings.Repeat("x", 150), "etcd"),
	} {
		t.Run(name, func(t *testing.T) {
			runtime := t.TempDir()
			t.Setenv("XDG_RUNTIME_DIR", runtime)
			for range 2 { // the place is the same on every start
				m := start(t, Config{Dir: dir})
				if _, err := client(t, m).Put(t.Context(), "k", "v"); err != nil {
					t.Fatal(err)
				}
				path := strings.TrimPrefix(m.Endpoints()[0], "unix://")
				info, err := os.Stat(filepath.Dir(path))
				if err != nil {
					t.Fatal(err)
				}
				if info.Mode().Perm() != 0o700 {
					t.Errorf("the socket's directory has mode %v, want 0700", info.Mode())
				}
				if err := m.Stop(); err != nil {
					t.Fatal(err)
				}
			}
			entries, err := os.ReadDir(runtime)
			if err != nil {
				t.Fatal(err)
			}
			if name == "long path" && len(entries) != 1 || name == "short path" && len(entries) != 0 {
				t.Errorf("the runtime directory holds %v", entries)
			}
		})
	}
}

func TestForeignSocketDirectoryIsRefused(t *testing.T) {
	runtime := t.TempDir()
	t.Setenv("XDG_RUNTIME_DIR", runtime)
	config, err := Config{Dir: filepath.Join(t.TempDir(), strings.Repeat("x", 150))}.withDefaults()
	if err != nil {
		t.Fatal(err)
	}
	at, err := config.place()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(filepath.Dir(at.grpc.Path), 0o777); err != nil {
		t.Fatal(err)
	}
	_, err = Start(t.Context(), config)
	if err == nil || !strings.Contains(err.Error(), "is not a private directory of this user; remove it, or use a --data-dir with a shorter path") {
		t.Errorf("got %v", err)
	}
}

func TestHealthAndMetrics(t *testing.T) {
	m := start(t, Config{Dir: filepath.Join(t.TempDir(), "etcd")})
	defer m.Stop()
	c := &http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "unix", m.HTTPSocket())
	}}}
	for _, path := range []string{"/health", "/metrics"} {
		answer, err := c.Get("http://etcd" + path)
		if err != nil {
			t.Fatal(err)
		}
		answer.Body.Close()
		if answer.StatusCode != http.StatusOK {
			t.Errorf("%s: %s", path, answer.Status)
		}
	}
}

func TestMutualTLS(t *testing.T) {
	config := withTLS(t)
	m := start(t, config)
	defer m.Stop()
	files := m.TLS()
	with, err := transport.TLSInfo{TrustedCAFile: files.CAFile, CertFile: files.CertFile, KeyFile: files.KeyFile}.ClientConfig()
	if err != nil {
		t.Fatal(err)
	}
	c, err := clientv3.New(clientv3.Config{Endpoints: m.Endpoints(), TLS: with})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := c.Put(t.Context(), "k", "v"); err != nil {
		t.Fatal(err)
	}

	without := with.Clone()
	without.Certificates, without.GetClientCertificate = nil, nil
	stranger, err := clientv3.New(clientv3.Config{Endpoints: m.Endpoints(), TLS: without})
	if err != nil {
		t.Fatal(err)
	}
	defer stranger.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
	defer cancel()
	if _, err := stranger.Get(ctx, "k"); err == nil {
		t.Error("a client without a certificate got an answer")
	}
}

func TestTakenPort(t *testing.T) {
	config := withTLS(t)
	taken, err := net.Listen("tcp", strings.TrimPrefix(config.Listen, "https://"))
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	_, err = Start(t.Context(), config)
	var port *PortError
	want := "cannot listen on " + config.Listen + ": another process does: stop it, or choose another port"
	if !errors.As(err, &port) || err.Error() != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
}

func TestRefusedConfigs(t *testing.T) {
	for want, config := range map[string]Config{
		"no directory": {},
		`cannot listen on "http://127.0.0.1:1": give an URL such as`:            {Dir: "d", Listen: "http://127.0.0.1:1"},
		`cannot listen on "https://localhost:1": give an IP address`:            {Dir: "d", Listen: "https://localhost:1"},
		"cannot listen on https://127.0.0.1:1: a port needs a certificate, its": {Dir: "d", Listen: "https://127.0.0.1:1"},
	} {
		if _, err := Start(t.Context(), config); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: got %v, want …%s…", config, err, want)
		}
	}
}

// withTLS returns the configuration of a member on a free port.
func withTLS(t *testing.T) Config {
	t.Helper()
	dir := t.TempDir()
	pki, err := certificates.Open(t.Context(), certificates.Options{Directory: dir, BindAddress: "127.0.0.1", SecurePort: 7443, EtcdTLS: true})
	if err != nil {
		t.Fatal(err)
	}
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer free.Close()
	return Config{
		Dir:       filepath.Join(dir, "etcd"),
		Listen:    fmt.Sprintf("https://%s", free.Addr()),
		ServerTLS: TLSFiles{CAFile: pki.EtcdCA(), CertFile: pki.EtcdServer(), KeyFile: pki.EtcdServer()},
		ClientTLS: TLSFiles{CAFile: pki.EtcdCA(), CertFile: pki.EtcdClient(), KeyFile: pki.EtcdClient()},
	}
}
