package datadir

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// acquire takes the exclusive lock in the file at path, made if need be, for the
// data directory dir. The kernel drops it when the process ends, however it ends.
func acquire(path, dir string) (*os.File, error) {
	for {
		f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|syscall.O_NOFOLLOW, 0o600)
		if err != nil {
			return nil, Explain(err, "open the lock file "+path, path)
		}
		if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
			defer f.Close()
			if errors.Is(err, unix.EWOULDBLOCK) {
				return nil, &LockedError{Path: dir, PID: holder(f)}
			}
			return nil, fmt.Errorf("cannot lock %s: %w: its filesystem must support flock (a local disk does)", path, err)
		}
		// A failed first start removes the file while holding it: a lock on a
		// file that has lost its name keeps nobody out.
		if same, err := isFileAt(f, path); err != nil {
			f.Close()
			return nil, Explain(err, "look at the lock file "+path, path)
		} else if !same {
			f.Close()
			continue
		}
		return f, nil
	}
}

func isFileAt(f *os.File, path string) (bool, error) {
	held, err := f.Stat()
	if err != nil {
		return false, err
	}
	named, err := os.Stat(path)
	if errors.Is(err, os.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	return os.SameFile(held, named), nil
}

// writeHolder writes this process down as the one that others must wait for.
func writeHolder(f *os.File) error {
	err := f.Truncate(0)
	if err == nil {
		_, err = f.WriteAt([]byte(strconv.Itoa(os.Getpid())+"\n"), 0)
	}
	return Explain(err, "write the lock file "+f.Name(), f.Name())
}

// holder returns the pid that the lock's owner wrote, or 0.
func holder(f *os.File) int {
	content, err := io.ReadAll(io.LimitReader(f, 32))
	if err != nil {
		return 0
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(content)))
	if err != nil || pid < 0 {
		return 0
	}
	return pid
}
