package kubeconfig

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"k8s.io/client-go/tools/clientcmd"
)

const (
	certificate = "-----BEGIN CERTIFICATE-----\nYQ==\n-----END CERTIFICATE-----\n"
	key         = "-----BEGIN EC PRIVATE KEY-----\nYg==\n-----END EC PRIVATE KEY-----\n"
)

func entry() Entry {
	return Entry{Name: "atoll", User: "admin", Server: "https://127.0.0.1:7443", CAData: []byte("ca"), ClientPEM: []byte(certificate + key)}
}

func TestCertificateAndKeyAreSeparated(t *testing.T) {
	path := filepath.Join(t.TempDir(), "config")
	if changed, err := Write(path, entry()); err != nil || !changed {
		t.Fatalf("changed %v, %v", changed, err)
	}
	config, err := clientcmd.LoadFromFile(path)
	if err != nil {
		t.Fatal(err)
	}
	user := config.AuthInfos["admin"]
	if string(user.ClientCertificateData) != certificate || string(user.ClientKeyData) != key {
		t.Errorf("certificate %q, key %q", user.ClientCertificateData, user.ClientKeyData)
	}
}

func TestWrittenOnlyWhenChanged(t *testing.T) {
	path := filepath.Join(t.TempDir(), "config")
	for i, c := range []struct {
		change func(*Entry)
		want   bool
	}{
		{func(*Entry) {}, true},
		{func(*Entry) {}, false},
		{func(e *Entry) { e.Server = "https://127.0.0.1:1" }, true},
		{func(e *Entry) { e.CAData = []byte("ca2") }, true},
		{func(e *Entry) { e.CAData, e.CAFile = nil, "ca.crt" }, true},
		{func(e *Entry) { e.CAData, e.CAFile = nil, "ca.crt" }, false},
		{func(e *Entry) { e.ClientPEM, e.ClientFile = nil, "x.pem" }, true},
		{func(e *Entry) { e.ClientPEM, e.ClientFile = nil, "x.pem" }, false},
	} {
		e := entry()
		c.change(&e)
		if changed, err := Write(path, e); err != nil || changed != c.want {
			t.Errorf("step %d: changed is %v (%v), want %v", i, changed, err, c.want)
		}
	}
}

func TestModeIsRestored(t *testing.T) {
	path := filepath.Join(t.TempDir(), "config")
	for _, server := range []string{"https://a:1", "https://a:1", "https://b:1"} {
		e := entry()
		e.Server = server
		if _, err := Write(path, e); err != nil {
			t.Fatal(err)
		}
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode().Perm() != 0o600 {
			t.Errorf("mode is %v, want 0600", info.Mode())
		}
		if err := os.Chmod(path, 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

func TestRelativeFilesCountFromTheKubeconfig(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "config")
	e := entry()
	e.CAData, e.CAFile, e.ClientPEM, e.ClientFile = nil, "ca.crt", nil, "x.pem"
	if _, err := Write(path, e); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"ca.crt", "x.pem"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(certificate+key), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	config, err := clientcmd.BuildConfigFromFlags("", path)
	if err != nil {
		t.Fatal(err)
	}
	for got, want := range map[string]string{config.CAFile: "ca.crt", config.CertFile: "x.pem", config.KeyFile: "x.pem"} {
		if got != filepath.Join(dir, want) {
			t.Errorf("got %s, want %s in %s", got, want, dir)
		}
	}
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(content), dir) {
		t.Errorf("the file names its own directory and cannot be moved:\n%s", content)
	}
}

func TestNoDirectory(t *testing.T) {
	if _, err := Write(filepath.Join(t.TempDir(), "none", "config"), entry()); err == nil {
		t.Error("Write succeeded")
	}
}
