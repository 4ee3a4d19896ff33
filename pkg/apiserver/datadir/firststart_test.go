package datadir

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	testclock "k8s.io/utils/clock/testing"
)

// steps of a first start, in the order that doc.go promises.
var steps = []string{"directory", "lock", "directory pki", "directory etcd", "marker"}

func TestFirstStartTakesTheKnownSteps(t *testing.T) {
	var taken []string
	d := mustOpen(t, filepath.Join(t.TempDir(), "data"), Options{beforeStep: func(s string) error {
		taken = append(taken, s)
		return nil
	}})
	if !slices.Equal(taken, steps) {
		t.Errorf("steps are %q, want %q: the tests of interruption go by that list", taken, steps)
	}
	if !d.Created() {
		t.Error("Created is false on a first start")
	}
}

func TestFirstStartMakesPrivateDirectory(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a", "b", "data")
	now := time.Date(2026, 1, 2, 3, 4, 5, 600, time.FixedZone("east", 3600))
	d := mustOpen(t, path, Options{Clock: testclock.NewFakePassiveClock(now), Version: "v9"})
	for _, dir := range []string{path, d.PKI(), d.Etcd()} {
		if mode := modeOf(t, dir); mode != os.ModeDir|0o700 {
			t.Errorf("%s: mode is %v, want drwx------", dir, mode)
		}
	}
	for _, file := range []string{"lock", "atoll.json"} {
		if mode := modeOf(t, filepath.Join(path, file)); mode != 0o600 {
			t.Errorf("%s: mode is %v, want -rw-------", file, mode)
		}
	}
	id := d.Identity()
	if id.UID == "" || id.FormatVersion != 1 || id.CreatedBy != "v9" || !id.CreatedAt.Equal(now.Truncate(time.Second)) {
		t.Errorf("identity is %+v", id)
	}
}

// A step that fails must leave the filesystem as it was found.
func TestFailedFirstStartLeavesNothing(t *testing.T) {
	for _, existing := range []bool{false, true} {
		for _, failing := range steps {
			name := failing + " fails in a new directory"
			if existing {
				name = failing + " fails in an existing directory"
			}
			t.Run(name, func(t *testing.T) {
				root := t.TempDir()
				path := filepath.Join(root, "parent", "data")
				if existing {
					if err := os.MkdirAll(filepath.Join(path, "pki"), 0o700); err != nil {
						t.Fatal(err)
					}
					writeTestFile(t, filepath.Join(path, "pki", "ca.crt"), "the user's own")
				}
				before := tree(t, root)
				boom := errors.New("boom")
				_, err := Open(path, Options{beforeStep: func(s string) error {
					if s == failing {
						return boom
					}
					return nil
				}})
				if !errors.Is(err, boom) {
					t.Fatalf("Open: %v, want the injected error", err)
				}
				if after := tree(t, root); !slices.Equal(before, after) {
					t.Errorf("left behind: before %q, after %q", before, after)
				}
				mustOpen(t, path, Options{})
			})
		}
	}
}

// A process that is killed before any step must leave what the next start carries on.
func TestKilledFirstStartIsCarriedOn(t *testing.T) {
	for _, step := range steps {
		t.Run(step, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "data")
			child := play(t, "die", path)
			child.Env = append(child.Env, stepVariable+"="+step)
			out, err := child.CombinedOutput()
			var exit *exec.ExitError
			if !errors.As(err, &exit) || exit.Sys().(syscall.WaitStatus).Signal() != syscall.SIGKILL {
				t.Fatalf("the child should have been killed: %v\n%s", err, out)
			}
			d := mustOpen(t, path, Options{})
			if !d.Created() {
				t.Error("Created is false: the first start was not carried on but taken for finished")
			}
			want := mustTree(t, filepath.Join(t.TempDir(), "data"))
			if got := tree(t, path); !slices.Equal(got, want) {
				t.Errorf("the directory holds %q, want %q", got, want)
			}
		})
	}
}

func TestHalfWrittenMarkerIsCarriedOn(t *testing.T) {
	path := filepath.Join(t.TempDir(), "data")
	for _, dir := range []string{path, filepath.Join(path, "pki"), filepath.Join(path, "etcd")} {
		if err := os.Mkdir(dir, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	writeTestFile(t, filepath.Join(path, "lock"), "4242\n")
	writeTestFile(t, filepath.Join(path, ".atoll.json.tmp-123"), `{"formatVe`)
	if d := mustOpen(t, path, Options{}); !d.Created() {
		t.Error("Created is false")
	}
	for _, entry := range tree(t, path) {
		if strings.Contains(entry, ".tmp-") {
			t.Errorf("the temporary file %s is still there", entry)
		}
	}
}

func mustTree(t *testing.T, path string) []string {
	t.Helper()
	mustOpen(t, path, Options{})
	return tree(t, path)
}

func mustOpen(t *testing.T, path string, opts Options) *Dir {
	t.Helper()
	d, err := Open(path, opts)
	if err != nil {
		t.Fatalf("Open: %v", err)
	}
	t.Cleanup(func() { d.Close() })
	return d
}

// play returns the command that runs this test binary in a role of TestMain.
func play(t *testing.T, role, path string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), self)
	cmd.Env = append(os.Environ(), roleVariable+"="+role, pathVariable+"="+path)
	return cmd
}

func modeOf(t *testing.T, path string) os.FileMode {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	return info.Mode()
}

func writeTestFile(t *testing.T, path, content string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

// tree lists everything below root by relative path.
func tree(t *testing.T, root string) []string {
	t.Helper()
	var found []string
	err := filepath.WalkDir(root, func(path string, _ os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		relative, err := filepath.Rel(root, path)
		found = append(found, relative)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}
