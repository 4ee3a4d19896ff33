//go:build linux

package datadir

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// mountTmpfs mounts a small filesystem for the test and returns its root.
func mountTmpfs(t *testing.T, options string) string {
	t.Helper()
	dir := t.TempDir()
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, options); err != nil {
		t.Skipf("a filesystem that can be filled needs the right to mount: %v", err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(dir, 0); err != nil {
			t.Errorf("unmount: %v", err)
		}
	})
	return dir
}

// fill writes to the filesystem of dir until nothing more fits.
func fill(t *testing.T, dir string) {
	t.Helper()
	f, err := os.Create(filepath.Join(dir, "ballast"))
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

func TestSmallDiskIsRefused(t *testing.T) {
	root := mountTmpfs(t, "size=1m")
	_, err := Open(filepath.Join(root, "data"), Options{})
	if err == nil || !strings.Contains(err.Error(), "has 1 MiB free and at least 192 MiB are needed: free some space there") &&
		!strings.Contains(err.Error(), "has 0 MiB free and at least 192 MiB are needed: free some space there") {
		t.Errorf("got %v", err)
	}
	if left := tree(t, root); !slices.Equal(left, []string{"."}) {
		t.Errorf("left behind: %q", left)
	}
}

func TestFullDiskLeavesNothingHalfMade(t *testing.T) {
	root := mountTmpfs(t, "size=1m")
	fill(t, root)
	before := tree(t, root)
	// The check of free space is passed by: the disk is full only when it is written to.
	_, err := Open(filepath.Join(root, "data"), Options{MinimumFree: 1})
	if err == nil || !strings.Contains(err.Error(), "free some space there, or move the data directory to a larger disk") {
		t.Errorf("got %v", err)
	}
	if left := tree(t, root); !slices.Equal(left, before) {
		t.Errorf("left behind: %q", left)
	}
}

func TestWriteToFullDiskKeepsTheOldFile(t *testing.T) {
	root := mountTmpfs(t, "size=1m")
	path := filepath.Join(root, "file")
	if err := WriteFile(path, []byte("old"), 0o600); err != nil {
		t.Fatal(err)
	}
	fill(t, root)
	before := tree(t, root)
	err := WriteFile(path, make([]byte, 1<<16), 0o600)
	var space *SpaceError
	if !errors.As(err, &space) || err.Error() != "the disk of "+path+" is full: free some space there, or move the data directory to a larger disk" {
		t.Errorf("got %v", err)
	}
	if content, err := os.ReadFile(path); err != nil || string(content) != "old" {
		t.Errorf("the file holds %q (%v), want the old content", content, err)
	}
	if left := tree(t, root); !slices.Equal(left, before) {
		t.Errorf("left behind: %q", left)
	}
}

func TestNoInodesLeft(t *testing.T) {
	root := mountTmpfs(t, "size=300m,nr_inodes=2")
	path := filepath.Join(root, "data")
	if err := os.Mkdir(path, 0o700); err != nil {
		t.Fatal(err)
	}
	_, err := Open(path, Options{})
	var space *SpaceError
	if !errors.As(err, &space) {
		t.Errorf("got %v, want a SpaceError", err)
	}
}

func TestReadOnlyFilesystem(t *testing.T) {
	root := mountTmpfs(t, "size=300m")
	if err := unix.Mount("", root, "", unix.MS_REMOUNT|unix.MS_RDONLY, ""); err != nil {
		t.Fatal(err)
	}
	_, err := Open(filepath.Join(root, "data"), Options{})
	if err == nil || !strings.Contains(err.Error(), "is on a read-only filesystem: mount it writable") {
		t.Errorf("got %v", err)
	}
}
