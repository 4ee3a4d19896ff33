//go:build linux

package etcdmember

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"atoll.dev/atoll/pkg/apiserver/datadir"
)

func mountTmpfs(t *testing.T, options string) string {
	t.Helper()
	dir := t.TempDir()
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, options); err != nil {
		t.Skipf("a filesystem that can be filled needs the right to mount: %v", err)
	}
	t.Cleanup(func() {
		// A member that failed keeps its files open until its process ends.
		if err := unix.Unmount(dir, unix.MNT_DETACH); err != nil {
			t.Errorf("unmount: %v", err)
		}
	})
	return dir
}

func TestStartOnFullDisk(t *testing.T) {
	dir := filepath.Join(mountTmpfs(t, "size=1m"), "etcd")
	_, err := Start(t.Context(), Config{Dir: dir})
	var space *datadir.SpaceError
	if !errors.As(err, &space) || !strings.Contains(err.Error(), dir) {
		t.Errorf("got %v, want a SpaceError", err)
	}
}

func TestDiskFillsWhileRunning(t *testing.T) {
	root := mountTmpfs(t, "size=84m")
	dir := filepath.Join(root, "etcd")
	m := start(t, Config{Dir: dir})
	c := client(t, m)
	value := strings.Repeat("x", 1<<20)
	writing, cancel := context.WithCancel(t.Context())
	go func() {
		<-m.Done()
		cancel()
	}()
	acknowledged := 0
	for ; acknowledged < 200; acknowledged++ {
		if _, err := c.Put(writing, fmt.Sprintf("k/%03d", acknowledged), value); err != nil {
			break
		}
	}
	select {
	case <-m.Done():
	case <-time.After(30 * time.Second):
		t.Fatal("etcd neither failed nor took more")
	}
	var space *datadir.SpaceError
	if err := m.Err(); !errors.As(err, &space) || !strings.HasPrefix(err.Error(), "etcd stopped: the disk of "+dir+" is full: free some space there") {
		t.Errorf("got %v, want a SpaceError", err)
	}
	stopped := make(chan error, 1)
	go func() { stopped <- m.Stop() }()
	select {
	case err := <-stopped:
		if !errors.As(err, &space) {
			t.Errorf("Stop: %v, want the SpaceError", err)
		}
	case <-time.After(5 * time.Second):
		t.Error("Stop hangs after the failure")
	}
	t.Logf("%d MiB were acknowledged", acknowledged)
}
