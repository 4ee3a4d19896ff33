package datadir

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"syscall"
)

const (
	lockName = "lock"
	pkiName  = "pki"
	etcdName = "etcd"
)

// broughtAlong are the files that a user may put into DATA/pki before the first
// start: authorities and service-account keys of their own.
var broughtAlong = []string{
	"ca.crt", "ca.key", "front-proxy-ca.crt", "front-proxy-ca.key",
	"etcd-ca.crt", "etcd-ca.key", "sa.key", "sa.pub",
}

// Path is the absolute path of the data directory.
func (d *Dir) Path() string { return d.path }

// PKI is the directory of keys and certificates.
func (d *Dir) PKI() string { return filepath.Join(d.path, pkiName) }

// Etcd is the directory of the embedded etcd member.
func (d *Dir) Etcd() string { return filepath.Join(d.path, etcdName) }

// AdminKubeconfig is the path of the administrator's kubeconfig.
func (d *Dir) AdminKubeconfig() string { return filepath.Join(d.path, "admin.kubeconfig") }

// Backups is the default root of backups on the filesystem. Open does not make it.
func (d *Dir) Backups() string { return filepath.Join(d.path, "backups") }

// RecoveryKey is the path of the age identity to which backups are sealed. Open does not make it.
func (d *Dir) RecoveryKey() string { return filepath.Join(d.path, "recovery.key") }

// ensureDirectory makes path and its parents, and returns those that it made, outermost first.
func ensureDirectory(path string) (made []string, err error) {
	info, err := os.Stat(path)
	if err == nil {
		if !info.IsDir() {
			return nil, &AccessError{Path: path, Problem: "is a file, not a directory", Remedy: "choose another directory with --data-dir"}
		}
		return nil, nil
	}
	if !errors.Is(err, os.ErrNotExist) && !errors.Is(err, syscall.ENOTDIR) { // the latter is for the parent to say
		return nil, Explain(err, "look at "+path, path)
	}
	if parent := filepath.Dir(path); parent != path {
		if made, err = ensureDirectory(parent); err != nil {
			return made, err
		}
	}
	if err := os.Mkdir(path, 0o700); errors.Is(err, os.ErrExist) {
		return made, nil
	} else if err != nil {
		return made, Explain(err, "make the directory "+path, path)
	}
	return append(made, path), nil
}

// tighten takes everyone else's rights to the directory away.
func tighten(path string) error {
	info, err := os.Stat(path)
	if err != nil {
		return Explain(err, "look at "+path, path)
	}
	if info.Mode().Perm()&0o077 == 0 {
		return nil
	}
	if err := os.Chmod(path, 0o700); err != nil {
		return &AccessError{
			Path:    path,
			Problem: fmt.Sprintf("is open to other users (mode %04o) and %s may not change that", info.Mode().Perm(), whoami()),
			Remedy:  "run chmod 0700 on it as its owner",
			Err:     err,
		}
	}
	return nil
}

// refuseForeign returns a *ForeignError if the directory without a marker is
// someone else's.
func (d *Dir) refuseForeign() error {
	foreign, err := foreignEntries(d.path)
	if err != nil || len(foreign) == 0 {
		return err
	}
	// Another process may have finished its first start in between: the lock will tell.
	if _, err := readIdentity(d.path); !errors.Is(err, os.ErrNotExist) {
		return err
	}
	slices.Sort(foreign)
	if more := len(foreign) - 4; more > 0 {
		foreign = append(foreign[:4], fmt.Sprintf("and %d more", more))
	}
	return &ForeignError{Path: d.path, Found: foreign}
}

// foreignEntries lists what neither an interrupted first start leaves nor a user may bring along.
func foreignEntries(path string) ([]string, error) {
	entries, err := os.ReadDir(path)
	if err != nil {
		return nil, Explain(err, "list "+path, path)
	}
	var foreign []string
	for _, e := range entries {
		switch name := e.Name(); {
		case name == lockName, isTemporary(name):
		case name == "lost+found": // the root of a filesystem of its own
		case name == pkiName && e.IsDir():
			inside, err := strangers(filepath.Join(path, name), broughtAlong)
			if err != nil {
				return nil, err
			}
			foreign = append(foreign, inside...)
		case name == etcdName && e.IsDir():
			// The marker is older than anything in etcd/: a first start leaves it empty.
			inside, err := strangers(filepath.Join(path, name), nil)
			if err != nil {
				return nil, err
			}
			foreign = append(foreign, inside...)
		default:
			foreign = append(foreign, name)
		}
	}
	return foreign, nil
}

// strangers lists what dir holds besides the files allowed, with the name of dir before them.
func strangers(dir string, allowed []string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, Explain(err, "list "+dir, dir)
	}
	var found []string
	for _, e := range entries {
		if !slices.Contains(allowed, e.Name()) && !isTemporary(e.Name()) {
			found = append(found, filepath.Join(filepath.Base(dir), e.Name()))
		}
	}
	return found, nil
}
