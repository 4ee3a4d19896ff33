package foundation

import (
	"context"
	"fmt"
	"io/fs"
	"maps"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/clientcmd"

	"atoll.dev/atoll/e2e/testbed"
)

// TestServer takes a server of its own through first start, stop and start.
func TestServer(t *testing.T) {
	atoll, err := testbed.StartAtoll(t.Context(), testbed.AtollOptions{})
	must(t, err)
	t.Cleanup(func() { must(t, atoll.Close()) })
	c, err := newClients(atoll.RestConfig)
	must(t, err)

	t.Run("the kubeconfig is the owner's alone", func(t *testing.T) {
		info, err := os.Stat(atoll.Kubeconfig)
		must(t, err)
		if info.Mode().Perm() != 0o600 {
			t.Errorf("mode %v, want 0600", info.Mode().Perm())
		}
		config, err := clientcmd.LoadFromFile(atoll.Kubeconfig)
		must(t, err)
		if config.CurrentContext != "atoll" {
			t.Errorf("context %q, want atoll", config.CurrentContext)
		}
	})
	t.Run("a second process on its data directory says so", func(t *testing.T) {
		stderr := failsToStart(t, testbed.AtollOptions{DataDir: atoll.DataDir})
		oneSentence(t, stderr, atoll.DataDir, "in use")
		_, err := c.kube.CoreV1().Namespaces().List(t.Context(), metav1.ListOptions{})
		must(t, err)
	})
	t.Run("it goes on with its data after SIGTERM", func(t *testing.T) {
		_, err := c.kube.CoreV1().ConfigMaps("default").Create(t.Context(), configMap("kept", "yes"), metav1.CreateOptions{})
		must(t, err)
		kubeconfig, err := os.ReadFile(atoll.Kubeconfig)
		must(t, err)
		must(t, atoll.Stop(t.Context()))
		must(t, atoll.Restart(t.Context()))
		kept, err := c.kube.CoreV1().ConfigMaps("default").Get(t.Context(), "kept", metav1.GetOptions{})
		must(t, err)
		if kept.Data["value"] != "yes" {
			t.Errorf("data after the restart: %v", kept.Data)
		}
		again, err := os.ReadFile(atoll.Kubeconfig)
		must(t, err)
		if string(again) != string(kubeconfig) {
			t.Error("the restart changed the administrator's kubeconfig")
		}
	})
}

// TestStartRefused starts servers that cannot run.
func TestStartRefused(t *testing.T) {
	for _, test := range []struct {
		name string
		// prepare returns the options of a start that must fail and what its
		// message has to name.
		prepare func(t *testing.T, dir string) (testbed.AtollOptions, []string)
		// untouched: the files of the directory must stay as they were.
		untouched bool
	}{
		{"taken port", func(t *testing.T, dir string) (testbed.AtollOptions, []string) {
			listener, err := net.Listen("tcp", "127.0.0.1:0")
			must(t, err)
			t.Cleanup(func() { _ = listener.Close() })
			port := listener.Addr().(*net.TCPAddr).Port
			return testbed.AtollOptions{DataDir: dir, Port: port}, []string{strconv.Itoa(port), "in use", "--secure-port"}
		}, false},
		{"foreign directory", func(t *testing.T, dir string) (testbed.AtollOptions, []string) {
			must(t, os.MkdirAll(dir, 0o755))
			must(t, os.WriteFile(filepath.Join(dir, "thesis.txt"), []byte("years of work"), 0o644))
			return testbed.AtollOptions{DataDir: dir}, []string{dir}
		}, true},
		{"data directory of another etcd", func(t *testing.T, dir string) (testbed.AtollOptions, []string) {
			etcd, err := testbed.StartEtcd(t.Context(), testbed.EtcdOptions{Dir: filepath.Join(dir, "other")})
			must(t, err)
			must(t, etcd.Close())
			return testbed.AtollOptions{DataDir: filepath.Join(dir, "other", "data")}, []string{filepath.Join(dir, "other", "data")}
		}, true},
		{"corrupt data", func(t *testing.T, dir string) (testbed.AtollOptions, []string) {
			atoll, err := testbed.StartAtoll(t.Context(), testbed.AtollOptions{DataDir: dir})
			must(t, err)
			must(t, atoll.Stop(t.Context()))
			must(t, atoll.Close())
			corrupt(t, dir)
			return testbed.AtollOptions{DataDir: dir}, []string{dir, "corrupt"}
		}, false},
		{"data directory is a file", func(t *testing.T, dir string) (testbed.AtollOptions, []string) {
			must(t, os.WriteFile(dir, nil, 0o644))
			return testbed.AtollOptions{DataDir: dir}, []string{dir, "directory"}
		}, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			o, wants := test.prepare(t, filepath.Join(t.TempDir(), "data"))
			before := snapshot(t, o.DataDir)
			oneSentence(t, failsToStart(t, o), wants...)
			if after := snapshot(t, o.DataDir); test.untouched && !maps.Equal(before, after) {
				t.Errorf("the directory was changed: from %v to %v", before, after)
			}
		})
	}
}

// TestPortFreed starts a server whose port is taken, then, on what that left,
// one whose port is free.
func TestPortFreed(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	o := testbed.AtollOptions{DataDir: filepath.Join(t.TempDir(), "data"), Port: listener.Addr().(*net.TCPAddr).Port}
	failsToStart(t, o)
	must(t, listener.Close())
	atoll, err := testbed.StartAtoll(t.Context(), o)
	must(t, err)
	must(t, atoll.Close())
}

// TestFullDisk starts a server on a file system that is too small, then gives
// it room.
func TestFullDisk(t *testing.T) {
	mountPoint := t.TempDir()
	if err := syscall.Mount("tmpfs", mountPoint, "tmpfs", 0, "size=4m"); err != nil {
		t.Skipf("mounting a small file system: %v (needs root)", err)
	}
	t.Cleanup(func() { must(t, syscall.Unmount(mountPoint, syscall.MNT_DETACH)) })
	o := testbed.AtollOptions{DataDir: filepath.Join(mountPoint, "data")}

	// Its log is not to be what fills the disk up.
	oneSentence(t, failsToStart(t, o), o.DataDir, "space")

	must(t, syscall.Mount("tmpfs", mountPoint, "tmpfs", syscall.MS_REMOUNT, "size=1g"))
	atoll, err := testbed.StartAtoll(t.Context(), o)
	must(t, err)
	must(t, atoll.Close())
}

// failsToStart starts a server that must exit by itself, with a code that is
// not 0, and returns what it wrote.
func failsToStart(t *testing.T, o testbed.AtollOptions) string {
	t.Helper()
	o.LogFile = filepath.Join(t.TempDir(), "atolld.log")
	atoll, err := testbed.NewAtoll(o)
	must(t, err)
	defer func() { must(t, atoll.Close()) }()
	must(t, atoll.Start())
	ctx, cancel := context.WithTimeout(t.Context(), timeout)
	defer cancel()
	code, err := atoll.Wait(ctx)
	if err != nil {
		t.Fatalf("want it to exit: %v; it wrote:\n%s", err, atoll.LogTail(15))
	}
	if code == 0 {
		t.Errorf("exit code 0, want another")
	}
	written, err := os.ReadFile(atoll.Log)
	must(t, err)
	return string(written)
}

// oneSentence checks that a program's last words are one line that names what
// is wanted, in whatever case, and that it did not panic.
func oneSentence(t *testing.T, written string, wants ...string) {
	t.Helper()
	lines := strings.Split(strings.TrimSpace(written), "\n")
	last := lines[len(lines)-1]
	for _, want := range wants {
		if !strings.Contains(strings.ToLower(last), strings.ToLower(want)) {
			t.Errorf("the last line does not name %q: %s", want, last)
		}
	}
	if strings.Contains(written, "goroutine ") || strings.Contains(written, "panic:") {
		t.Errorf("a stack trace instead of a sentence:\n%s", written)
	}
}

// corrupt overwrites the start of etcd's database below dir.
func corrupt(t *testing.T, dir string) {
	t.Helper()
	found := false
	must(t, filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.Name() != "db" {
			return err
		}
		found = true
		file, err := os.OpenFile(path, os.O_WRONLY, 0)
		if err != nil {
			return err
		}
		defer file.Close()
		_, err = file.WriteAt([]byte(strings.Repeat("not a database ", 4096)), 0)
		return err
	}))
	if !found {
		t.Fatalf("no database of etcd below %s", dir)
	}
}

// snapshot returns size and time of change of the files below dir.
func snapshot(t *testing.T, dir string) map[string]string {
	t.Helper()
	files := map[string]string{}
	must(t, filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if os.IsNotExist(err) {
			return nil
		}
		if err != nil || entry.IsDir() {
			return err
		}
		info, err := entry.Info()
		if err == nil {
			files[path] = fmt.Sprint(info.Size(), info.ModTime())
		}
		return err
	}))
	return files
}
