package datadir

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
)

// temporaryInfix marks files that are being written; a crash may leave them behind and anyone may remove them.
const temporaryInfix = ".tmp-"

// WriteFile replaces path with data so that a reader, and whoever comes after a
// crash or a power cut, sees either the old content or the new one, whole. The
// file gets exactly the mode perm, whatever the umask. Nothing is left behind
// when it fails; a full disk is a *SpaceError.
func WriteFile(path string, data []byte, perm os.FileMode) error {
	return Explain(writeFile(path, data, perm), "write "+path, path)
}

func writeFile(path string, data []byte, perm os.FileMode) (err error) {
	dir := filepath.Dir(path)
	f, err := os.CreateTemp(dir, "."+filepath.Base(path)+temporaryInfix+"*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, ignoreNotExist(os.Remove(f.Name())))
		}
	}()
	_, err = f.Write(data)
	if err == nil {
		err = f.Chmod(perm)
	}
	if err == nil {
		err = f.Sync()
	}
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		return err
	}
	if err := os.Rename(f.Name(), path); err != nil {
		return err
	}
	return syncDir(dir)
}

// RemoveTemporaries removes what interrupted WriteFile calls left in dir.
func RemoveTemporaries(dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return Explain(err, "list "+dir, dir)
	}
	for _, e := range entries {
		if isTemporary(e.Name()) {
			if err := ignoreNotExist(os.Remove(filepath.Join(dir, e.Name()))); err != nil {
				return Explain(err, "remove a leftover temporary file", dir)
			}
		}
	}
	return nil
}

func isTemporary(name string) bool {
	return strings.HasPrefix(name, ".") && strings.Contains(name, temporaryInfix)
}

// syncDir makes the names in dir durable.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}

func ignoreNotExist(err error) error {
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	return err
}
