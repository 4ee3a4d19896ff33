package datadir

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

func TestRefusals(t *testing.T) {
	marker := func(content string) func(*testing.T, string) {
		return func(t *testing.T, path string) { writeTestFile(t, filepath.Join(path, "atoll.json"), content) }
	}
	for name, c := range map[string]struct {
		prepare func(t *testing.T, path string)
		want    string // part of the sentence; PATH stands for the directory
		as      any
	}{
		"someone else's files": {
			func(t *testing.T, path string) {
				for _, name := range []string{"e", "d", "c", "b", "a"} {
					writeTestFile(t, filepath.Join(path, name), "")
				}
			},
			"data directory PATH holds files that are not Atoll's (a, b, c, d, and 1 more) and has no atoll.json: choose an empty or new directory with --data-dir",
			new(*ForeignError),
		},
		"an etcd without a marker": {
			func(t *testing.T, path string) {
				if err := os.MkdirAll(filepath.Join(path, "etcd", "member"), 0o700); err != nil {
					t.Fatal(err)
				}
			},
			"not Atoll's (etcd/member)", new(*ForeignError),
		},
		"foreign keys": {
			func(t *testing.T, path string) {
				if err := os.Mkdir(filepath.Join(path, "pki"), 0o700); err != nil {
					t.Fatal(err)
				}
				writeTestFile(t, filepath.Join(path, "pki", "ca.crt"), "")
				writeTestFile(t, filepath.Join(path, "pki", "apiserver.crt"), "")
			},
			"not Atoll's (pki/apiserver.crt)", new(*ForeignError),
		},
		"a newer format": {
			marker(`{"formatVersion": 7, "uid": "u", "createdBy": "v12.0"}`),
			"data directory PATH has format version 7, written by Atoll v12.0, and this version reads up to 1: start it with that version or a newer one",
			new(*FormatError),
		},
		"a marker cut off":      {marker(`{"formatVersion": 1, "ui`), "PATH/atoll.json is corrupt (unexpected end of JSON input): restore", new(*CorruptError)},
		"an empty marker":       {marker(``), "PATH/atoll.json is corrupt", new(*CorruptError)},
		"a marker of version 0": {marker(`{}`), "PATH/atoll.json is corrupt (formatVersion is 0, want 1 to 1)", new(*CorruptError)},
		"a marker without uid":  {marker(`{"formatVersion": 1}`), "PATH/atoll.json is corrupt (uid is empty)", new(*CorruptError)},
	} {
		t.Run(name, func(t *testing.T) {
			path := t.TempDir()
			c.prepare(t, path)
			before := tree(t, path)
			_, err := Open(path, Options{})
			if err == nil {
				t.Fatal("Open succeeded")
			}
			if want := strings.ReplaceAll(c.want, "PATH", path); !strings.Contains(err.Error(), want) {
				t.Errorf("got  %s\nwant %s", err, want)
			}
			if !errors.As(err, c.as) {
				t.Errorf("got a %T, want a %T", err, c.as)
			}
			if after := tree(t, path); !slices.Equal(before, after) {
				t.Errorf("Open changed the directory from %q to %q", before, after)
			}
		})
	}
}

func TestWhatAUserMayBringAlong(t *testing.T) {
	path := t.TempDir()
	if err := os.MkdirAll(filepath.Join(path, "pki"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(path, "lost+found"), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, name := range broughtAlong {
		writeTestFile(t, filepath.Join(path, "pki", name), name)
	}
	mustOpen(t, path, Options{})
	for _, name := range broughtAlong {
		content, err := os.ReadFile(filepath.Join(path, "pki", name))
		if err != nil || string(content) != name {
			t.Errorf("%s holds %q (%v), want it untouched", name, content, err)
		}
	}
	for _, dir := range []string{path, filepath.Join(path, "pki")} {
		if mode := modeOf(t, dir); mode.Perm() != 0o700 {
			t.Errorf("%s: mode is %v, want 0700", dir, mode)
		}
	}
}

func TestFileInPlaceOfDirectory(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	writeTestFile(t, path, "")
	for _, p := range []string{path, filepath.Join(path, "data")} {
		_, err := Open(p, Options{})
		if err == nil || !strings.Contains(err.Error(), path+" is a file, not a directory: choose another directory") {
			t.Errorf("Open(%s): %v", p, err)
		}
	}
}

func TestNoDirectory(t *testing.T) {
	if _, err := Open("", Options{}); err == nil || !strings.Contains(err.Error(), "set --data-dir") {
		t.Errorf("got %v", err)
	}
}

func TestUnwritableDirectory(t *testing.T) {
	parent := t.TempDir()
	if os.Geteuid() == 0 {
		// Rights do not bind root: become nobody towards the filesystem, on this thread alone.
		done := make(chan struct{})
		go func() {
			defer close(done)
			runtime.LockOSThread() // for good: the thread ends with the goroutine
			if _, err := unix.SetfsuidRetUid(65534); err != nil {
				t.Error(err)
				return
			}
			checkUnwritable(t, parent)
		}()
		<-done
		return
	}
	if err := os.Chmod(parent, 0o500); err != nil {
		t.Fatal(err)
	}
	checkUnwritable(t, parent)
}

func checkUnwritable(t *testing.T, parent string) {
	_, err := Open(filepath.Join(parent, "data"), Options{})
	var access *AccessError
	if !errors.As(err, &access) || !errors.Is(err, fs.ErrPermission) {
		t.Errorf("got %v, want an AccessError", err)
		return
	}
	if !strings.Contains(err.Error(), "cannot be used by user") || !strings.Contains(err.Error(), "--data-dir") {
		t.Errorf("the sentence lacks user or remedy: %v", err)
	}
}

func TestTooLittleSpace(t *testing.T) {
	path := filepath.Join(t.TempDir(), "data")
	_, err := Open(path, Options{MinimumFree: 1 << 60})
	var space *SpaceError
	if !errors.As(err, &space) || !errors.Is(err, syscall.ENOSPC) {
		t.Fatalf("got %v, want a SpaceError", err)
	}
	if want := fmt.Sprintf("at least %d MiB are needed", 1<<40); !strings.Contains(err.Error(), want) {
		t.Errorf("got %v, want …%s…", err, want)
	}
	if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the directory was left behind: %v", err)
	}
}
