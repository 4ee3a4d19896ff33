package datadir

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/google/uuid"
	"k8s.io/utils/clock"
)

// maxAttempts bounds how often Open begins again.
const maxAttempts = 10

// Options of Open. The zero value will do.
type Options struct {
	// Clock stamps the marker; the real clock if nil.
	Clock clock.PassiveClock
	// Version of Atoll, recorded in the marker.
	Version string
	// MinimumFree in bytes replaces both documented minima if not 0.
	MinimumFree uint64

	// beforeStep is called with the name of every step of a first start before
	// it is taken; an error ends the start there.
	beforeStep func(name string) error
}

// Dir is an open, locked data directory. It is safe for concurrent use.
type Dir struct {
	path     string
	identity Identity
	created  bool
	lock     *os.File
}

// DefaultPath is /var/lib/atoll for root, else atoll in $XDG_DATA_HOME or in
// ~/.local/share; it is empty if the user has no home.
func DefaultPath() string {
	if os.Geteuid() == 0 {
		return "/var/lib/atoll"
	}
	if base := os.Getenv("XDG_DATA_HOME"); filepath.IsAbs(base) {
		return filepath.Join(base, "atoll")
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return ""
	}
	return filepath.Join(home, ".local", "share", "atoll")
}

// Open locks the data directory at path and returns it; it makes the directory
// on a first start and carries an interrupted first start on. It fails with
// *LockedError, *ForeignError, *FormatError, *CorruptError, *SpaceError or
// *AccessError, each a whole sentence with a remedy, and then leaves the
// filesystem as it was. The lock lasts until Close or the end of the process.
func Open(path string, opts Options) (*Dir, error) {
	if path == "" {
		return nil, errors.New("no data directory: set --data-dir")
	}
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("cannot make the data directory's path absolute: %w", err)
	}
	if opts.Clock == nil {
		opts.Clock = clock.RealClock{}
	}
	for attempt := 0; ; attempt++ {
		d := &Dir{path: path}
		err := d.open(opts)
		if err == nil {
			return d, nil
		}
		// Another process's first start has failed and taken away what this one was looking at.
		if !errors.Is(err, os.ErrNotExist) || attempt == maxAttempts {
			return nil, err
		}
	}
}

// open runs in the order that doc.go promises. Undo steps run last to first if it fails.
func (d *Dir) open(opts Options) (err error) {
	var undo []func()
	defer func() {
		if err == nil {
			return
		}
		slices.Reverse(undo)
		for _, u := range undo {
			u()
		}
	}()
	step := func(name string) error {
		if opts.beforeStep == nil {
			return nil
		}
		return opts.beforeStep(name)
	}

	if err := step("directory"); err != nil {
		return err
	}
	made, err := ensureDirectory(d.path)
	for _, dir := range made {
		undo = append(undo, func() { os.Remove(dir) })
	}
	if err != nil {
		return err
	}
	_, err = readIdentity(d.path)
	first := errors.Is(err, os.ErrNotExist)
	if err != nil && !first {
		return err
	}
	if first {
		// Before the lock file is made, so that a foreign directory stays untouched.
		if err := d.refuseForeign(); err != nil {
			return err
		}
	}

	if err := step("lock"); err != nil {
		return err
	}
	lockPath := filepath.Join(d.path, lockName)
	d.lock, err = acquire(lockPath, d.path)
	if err != nil {
		return err
	}
	undo = append(undo, func() { d.lock.Close() })

	// Only now nobody else is writing: what was read without the lock may be outdated.
	d.identity, err = readIdentity(d.path)
	first = errors.Is(err, os.ErrNotExist)
	if err != nil && !first {
		return err
	}
	if first {
		undo = append(undo, func() { os.Remove(lockPath) })
	}
	if err := writeHolder(d.lock); err != nil {
		return err
	}
	if err := tighten(d.path); err != nil {
		return err
	}
	if err := checkMinimum(d.path, opts.MinimumFree, first); err != nil {
		return err
	}
	if err := RemoveTemporaries(d.path); err != nil {
		return err
	}
	for _, sub := range []string{d.PKI(), d.Etcd()} {
		if err := step("directory " + filepath.Base(sub)); err != nil {
			return err
		}
		made, err := ensureDirectory(sub)
		for _, dir := range made {
			undo = append(undo, func() { os.Remove(dir) })
		}
		if err != nil {
			return err
		}
		if err := tighten(sub); err != nil {
			return err
		}
	}
	if !first {
		return nil
	}

	if err := step("marker"); err != nil {
		return err
	}
	d.identity = Identity{
		FormatVersion: FormatVersion,
		UID:           uuid.NewString(),
		CreatedAt:     opts.Clock.Now().UTC().Truncate(1e9),
		CreatedBy:     opts.Version,
	}
	if err := writeIdentity(d.path, d.identity); err != nil {
		return err
	}
	d.created = true
	return nil
}

func checkMinimum(path string, minimum uint64, first bool) error {
	switch {
	case minimum != 0:
	case first:
		minimum = MinimumFreeFirstStart
	default:
		minimum = MinimumFree
	}
	return CheckSpace(path, minimum)
}

// Close gives the lock back. The directory may then be opened again.
func (d *Dir) Close() error {
	if err := d.lock.Close(); err != nil {
		return fmt.Errorf("cannot release the lock of %s: %w", d.path, err)
	}
	return nil
}

// Identity returns what the marker says.
func (d *Dir) Identity() Identity { return d.identity }

// Created tells whether this Open made the directory: it is the first start.
func (d *Dir) Created() bool { return d.created }
