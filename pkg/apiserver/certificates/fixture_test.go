package certificates

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	certutil "k8s.io/client-go/util/cert"
	"k8s.io/client-go/util/keyutil"
	testclock "k8s.io/utils/clock/testing"
)

// newOptions returns options for a directory that holds no more than a
// service-account key, since an RSA key takes long to make, and a clock that only
// the test moves.
func newOptions(t *testing.T) (Options, *testclock.FakeClock) {
	t.Helper()
	opts, clock := newEmptyOptions(t)
	key, err := keyutil.MakeEllipticPrivateKeyPEM()
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(opts.Directory, "sa.key"), key)
	return opts, clock
}

func newEmptyOptions(t *testing.T) (Options, *testclock.FakeClock) {
	t.Helper()
	data := t.TempDir()
	dir := filepath.Join(data, "pki")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	clock := testclock.NewFakeClock(time.Now().Truncate(time.Second))
	return Options{Directory: dir, AdminKubeconfig: filepath.Join(data, "admin.kubeconfig"), BindAddress: "127.0.0.1", SecurePort: 7443, Clock: clock}, clock
}

func mustOpen(t *testing.T, opts Options) *PKI {
	t.Helper()
	p, err := Open(t.Context(), opts)
	if err != nil {
		t.Fatalf("Open: %v", err)
	}
	return p
}

// contents of every file of the control plane by its name.
func contents(t *testing.T, opts Options) map[string]string {
	t.Helper()
	return walk(t, opts, func(path string) (string, error) {
		content, err := os.ReadFile(path)
		return string(content), err
	})
}

// identities of every file by its name: they tell a file from an equal one that replaced it.
func identities(t *testing.T, opts Options) map[string]string {
	t.Helper()
	return walk(t, opts, func(path string) (string, error) {
		info, err := os.Stat(path)
		if err != nil {
			return "", err
		}
		return fmt.Sprint(info.Sys().(*syscall.Stat_t).Ino, info.ModTime()), nil
	})
}

func walk(t *testing.T, opts Options, read func(path string) (string, error)) map[string]string {
	t.Helper()
	found := map[string]string{}
	err := filepath.WalkDir(filepath.Dir(opts.Directory), func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		found[filepath.Base(path)], err = read(path)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// changed lists, sorted, what is new or different in after.
func changed(before, after map[string]string) []string {
	var names []string
	for name := range after {
		if before[name] != after[name] {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

func readLeaf(t *testing.T, path string) *x509.Certificate {
	t.Helper()
	content := read(t, path) // once: two reads may fall on both sides of a renewal
	pair, err := tls.X509KeyPair(content, content)
	if err != nil {
		t.Fatal(err)
	}
	return pair.Leaf
}

func bundle(t *testing.T, path string) *x509.CertPool {
	t.Helper()
	certs, err := certutil.CertsFromFile(path)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	for _, c := range certs {
		pool.AddCert(c)
	}
	return pool
}

func read(t *testing.T, path string) []byte {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return content
}

func write(t *testing.T, path string, content []byte) {
	t.Helper()
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
}

func hasAll(t *testing.T, err error, parts ...string) {
	t.Helper()
	if err == nil {
		t.Fatal("no error")
	}
	for _, part := range parts {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("got %v\nwant …%s…", err, part)
		}
	}
}
