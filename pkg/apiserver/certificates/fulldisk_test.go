//go:build linux

package certificates

import (
	"errors"
	"io"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
	testclock "k8s.io/utils/clock/testing"

	"atoll.dev/atoll/pkg/apiserver/datadir"
)

// A disk that is full at the time of a renewal costs nothing that is in force,
// and the renewal happens as soon as there is room.
func TestFullDisk(t *testing.T) {
	root := t.TempDir()
	if err := unix.Mount("tmpfs", root, "tmpfs", 0, "size=1m"); err != nil {
		t.Skipf("a filesystem that can be filled needs the right to mount: %v", err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(root, 0); err != nil {
			t.Errorf("unmount: %v", err)
		}
	})
	dir := filepath.Join(root, "pki")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	clock := testclock.NewFakeClock(time.Now())
	opts := Options{Directory: dir, AdminKubeconfig: filepath.Join(root, "admin.kubeconfig"), BindAddress: "127.0.0.1", SecurePort: 7443, Clock: clock}
	p := mustOpen(t, opts)

	ballast := filepath.Join(root, "ballast")
	fill(t, ballast)
	before := identities(t, opts)
	clock.Step(DefaultLeafDuration)
	err := p.Reconcile(t.Context())
	var space *datadir.SpaceError
	if !errors.As(err, &space) || !strings.Contains(err.Error(), "is full: free some space there") {
		t.Errorf("got %v, want a SpaceError", err)
	}
	if after := identities(t, opts); !maps.Equal(before, after) {
		t.Errorf("files were written: %q", changed(before, after))
	}
	if err := os.Remove(ballast); err != nil {
		t.Fatal(err)
	}
	if err := p.Reconcile(t.Context()); err != nil {
		t.Fatal(err)
	}
	if leaf := readLeaf(t, p.Serving()); !leaf.NotAfter.Equal(clock.Now().Add(DefaultLeafDuration).UTC().Truncate(time.Second)) {
		t.Errorf("valid until %v: not renewed", leaf.NotAfter)
	}
}

func fill(t *testing.T, path string) {
	t.Helper()
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := io.Copy(f, zeros{}); !errors.Is(err, unix.ENOSPC) {
		t.Fatalf("filling the disk: %v, want ENOSPC", err)
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { return len(p), nil }
