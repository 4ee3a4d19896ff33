package etcdmember

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"go.etcd.io/bbolt"
)

// used returns the directory of a member that has stored something and stopped.
func used(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "etcd")
	m := start(t, Config{Dir: dir})
	c := client(t, m)
	for i := range 200 {
		if _, err := c.Put(t.Context(), fmt.Sprintf("/registry/%d", i), strings.Repeat("x", 2000)); err != nil {
			t.Fatal(err)
		}
	}
	if err := m.Stop(); err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestDamagedDataIsRefused(t *testing.T) {
	db := filepath.Join("member", "snap", "db")
	for name, damage := range map[string]func(t *testing.T, dir string){
		"database overwritten":    func(t *testing.T, dir string) { overwrite(t, filepath.Join(dir, db), 0, 1<<20) },
		"database cut off":        func(t *testing.T, dir string) { cut(t, filepath.Join(dir, db), 200_000) },
		"database cut to nothing": func(t *testing.T, dir string) { cut(t, filepath.Join(dir, db), 0) },
		"database pages garbled":  func(t *testing.T, dir string) { overwrite(t, filepath.Join(dir, db), 8192, 1<<20) },
		"database missing":        func(t *testing.T, dir string) { remove(t, filepath.Join(dir, db)) },
		"log overwritten":         func(t *testing.T, dir string) { overwrite(t, onlyLog(t, dir), 0, 1<<16) },
		"log garbled in the middle": func(t *testing.T, dir string) {
			overwrite(t, onlyLog(t, dir), 100_000, 64)
		},
		"log cut off":           func(t *testing.T, dir string) { cut(t, onlyLog(t, dir), 100_000) },
		"log zeroed at the end": func(t *testing.T, dir string) { cut(t, onlyLog(t, dir), 100_000); cut(t, onlyLog(t, dir), 64<<20) },
		"log cut to nothing":    func(t *testing.T, dir string) { cut(t, onlyLog(t, dir), 0) },
		"log missing":           func(t *testing.T, dir string) { remove(t, filepath.Join(dir, "member", "wal")) },
	} {
		t.Run(name, func(t *testing.T) {
			dir := used(t)
			damage(t, dir)
			before := list(t, dir)
			m, err := Start(t.Context(), Config{Dir: dir})
			if err == nil {
				m.Stop()
				t.Fatal("Start succeeded")
			}
			var corrupt *CorruptError
			if !errors.As(err, &corrupt) || corrupt.Dir != dir {
				t.Errorf("got %T: %v, want a CorruptError", err, err)
			}
			if !strings.Contains(err.Error(), dir) || !strings.Contains(err.Error(), "restore it from a backup") || strings.Contains(err.Error(), "\n") {
				t.Errorf("not one sentence with directory and remedy: %v", err)
			}
			if after := list(t, dir); !slices.Equal(before, after) {
				t.Errorf("the refused data were changed:\nbefore %q\nafter  %q", before, after)
			}
		})
	}
}

// list gives every file below dir with its size.
func list(t *testing.T, dir string) []string {
	t.Helper()
	var found []string
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if err == nil {
			found = append(found, fmt.Sprintf("%s %d", path, info.Size()))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func TestInterruptedFirstStartIsCarriedOn(t *testing.T) {
	for name, leave := range map[string]func(t *testing.T, dir string){
		"empty directories":   func(t *testing.T, dir string) { mkdir(t, filepath.Join(dir, "member", "snap")) },
		"log being made":      func(t *testing.T, dir string) { mkdir(t, filepath.Join(dir, "member", "wal.tmp")) },
		"database of nothing": func(t *testing.T, dir string) { mkdir(t, filepath.Join(dir, "member", "snap")); touch(t, dir, nil) },
		"database half made": func(t *testing.T, dir string) {
			mkdir(t, filepath.Join(dir, "member", "snap"))
			touch(t, dir, []byte("half a page"))
		},
		"database without log": func(t *testing.T, dir string) {
			mkdir(t, filepath.Join(dir, "member", "snap"))
			db, err := bbolt.Open(filepath.Join(dir, "member", "snap", "db"), 0o600, nil)
			if err != nil {
				t.Fatal(err)
			}
			db.Close()
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "etcd")
			leave(t, dir)
			m := start(t, Config{Dir: dir})
			if _, err := client(t, m).Put(t.Context(), "k", "v"); err != nil {
				t.Error(err)
			}
			if err := m.Stop(); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestDataOfAnotherClusterIsRefused(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "etcd")
	m := start(t, Config{Dir: dir, Name: "infra1"})
	if err := m.Stop(); err != nil {
		t.Fatal(err)
	}
	_, err := Start(t.Context(), Config{Dir: dir})
	var foreign *ForeignError
	if !errors.As(err, &foreign) {
		t.Fatalf("got %v, want a ForeignError", err)
	}
	want := "etcd's data in " + dir + " belongs to a cluster of other members (infra1; want only atoll): restore"
	if !strings.HasPrefix(err.Error(), want) {
		t.Errorf("got  %v\nwant %s…", err, want)
	}
}

func TestDataInUseIsRefused(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "etcd")
	m := start(t, Config{Dir: dir})
	defer m.Stop()
	_, err := Start(t.Context(), Config{Dir: dir})
	var inUse *InUseError
	if !errors.As(err, &inUse) {
		t.Fatalf("got %v, want an InUseError", err)
	}
	if _, err := client(t, m).Put(t.Context(), "k", "v"); err != nil {
		t.Errorf("the first member suffered: %v", err)
	}
}

func onlyLog(t *testing.T, dir string) string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(dir, "member", "wal", "*.wal"))
	if err != nil || len(found) != 1 {
		t.Fatalf("logs are %q (%v), want one", found, err)
	}
	return found[0]
}

func overwrite(t *testing.T, path string, offset int64, n int) {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	garbage := make([]byte, min(int64(n), info.Size()-offset))
	for i := range garbage {
		garbage[i] = byte(i*7 + 13)
	}
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.WriteAt(garbage, offset); err != nil {
		t.Fatal(err)
	}
}

func cut(t *testing.T, path string, size int64) {
	t.Helper()
	if err := os.Truncate(path, size); err != nil {
		t.Fatal(err)
	}
}

func remove(t *testing.T, path string) {
	t.Helper()
	if err := os.RemoveAll(path); err != nil {
		t.Fatal(err)
	}
}

func mkdir(t *testing.T, path string) {
	t.Helper()
	if err := os.MkdirAll(path, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		t.Fatal(err)
	}
}

func touch(t *testing.T, dir string, content []byte) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, "member", "snap", "db"), content, 0o600); err != nil {
		t.Fatal(err)
	}
}
