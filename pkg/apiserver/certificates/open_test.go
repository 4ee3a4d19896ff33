package certificates

import (
	"os"
	"path/filepath"
	"testing"

	"k8s.io/client-go/tools/clientcmd"
)

func options(t *testing.T) Options {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "pki")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	return Options{Directory: dir, AdminKubeconfig: filepath.Join(filepath.Dir(dir), "admin.kubeconfig"), BindAddress: "127.0.0.1", SecurePort: 7443}
}

func TestKubeconfigsAreUsable(t *testing.T) {
	pki, err := Open(t.Context(), options(t))
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{pki.AdminKubeconfig(), pki.SchedulerKubeconfig(), pki.ControllersKubeconfig()} {
		config, err := clientcmd.BuildConfigFromFlags("", path)
		if err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		if config.Host != "https://127.0.0.1:7443" {
			t.Errorf("%s: server is %s", path, config.Host)
		}
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode().Perm() != 0o600 {
			t.Errorf("%s: mode is %v, want 0600", path, info.Mode())
		}
	}
}
