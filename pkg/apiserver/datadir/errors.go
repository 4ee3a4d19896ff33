package datadir

import (
	"errors"
	"fmt"
	"io/fs"
	"os/user"
	"strconv"
	"strings"
	"syscall"
)

// LockedError says that another process uses the data directory.
type LockedError struct {
	// Path is the data directory.
	Path string
	// PID is the process that holds the lock, 0 when it has not written it down.
	PID int
}

func (e *LockedError) Error() string {
	holder := "another process"
	if e.PID > 0 {
		holder = fmt.Sprintf("the process with pid %d", e.PID)
	}
	return fmt.Sprintf("data directory %s is in use by %s: stop it first, or start this one with another --data-dir", e.Path, holder)
}

// ForeignError says that the directory holds data that Atoll did not make.
type ForeignError struct {
	// Path is the data directory.
	Path string
	// Found names some of what lies in it, sorted.
	Found []string
}

func (e *ForeignError) Error() string {
	return fmt.Sprintf("data directory %s holds files that are not Atoll's (%s) and has no %s: choose an empty or new directory with --data-dir",
		e.Path, strings.Join(e.Found, ", "), markerName)
}

// FormatError says that the marker is of a format that this version cannot use.
type FormatError struct {
	// Path is the data directory.
	Path string
	// Found is the format version in the marker.
	Found int
	// WrittenBy is the version of Atoll that wrote the marker, possibly empty.
	WrittenBy string
}

func (e *FormatError) Error() string {
	by := "a newer Atoll"
	if e.WrittenBy != "" {
		by = "Atoll " + e.WrittenBy
	}
	return fmt.Sprintf("data directory %s has format version %d, written by %s, and this version reads up to %d: start it with that version or a newer one",
		e.Path, e.Found, by, FormatVersion)
}

// CorruptError says that the marker cannot be read as what it should be.
type CorruptError struct {
	// Path is the marker file.
	Path string
	// Err says what is wrong with it.
	Err error
}

func (e *CorruptError) Error() string {
	return fmt.Sprintf("%s is corrupt (%v): restore this file from a backup of the data directory", e.Path, e.Err)
}

func (e *CorruptError) Unwrap() error { return e.Err }

// SpaceError says that the filesystem has too little room.
type SpaceError struct {
	// Path lies on the full filesystem.
	Path string
	// Free and Needed are in bytes; both are 0 when a write failed for want of room.
	Free, Needed uint64
	// Inodes is set when it is not bytes but files that the filesystem is out of.
	Inodes bool
}

func (e *SpaceError) Error() string {
	const remedy = "free some space there, or move the data directory to a larger disk"
	switch {
	case e.Inodes:
		return fmt.Sprintf("the filesystem of %s can hold no more files (no free inodes): %s", e.Path, remedy)
	case e.Needed == 0:
		return fmt.Sprintf("the disk of %s is full: %s", e.Path, remedy)
	}
	return fmt.Sprintf("the disk of %s has %d MiB free and at least %d MiB are needed: %s", e.Path, e.Free>>20, e.Needed>>20, remedy)
}

// Unwrap makes errors.Is(err, syscall.ENOSPC) true.
func (e *SpaceError) Unwrap() error { return syscall.ENOSPC }

// AccessError says that the directory, or a file in it, cannot be used with the rights of this process.
type AccessError struct {
	// Path could not be used.
	Path string
	// Problem completes the sentence "PATH …".
	Problem string
	// Remedy is what to do, in the imperative.
	Remedy string
	// Err is the cause, possibly nil.
	Err error
}

func (e *AccessError) Error() string { return e.Path + " " + e.Problem + ": " + e.Remedy }

func (e *AccessError) Unwrap() error { return e.Err }

// Explain turns the operating system's answer about path into one sentence with
// a remedy where the reason is a full disk or missing rights, and otherwise
// wraps err with doing, what was being done ("write the marker").
func Explain(err error, doing, path string) error {
	var done *SpaceError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &done):
		return err
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		return &SpaceError{Path: path}
	case errors.Is(err, syscall.EROFS):
		return &AccessError{Path: path, Problem: "is on a read-only filesystem", Remedy: "mount it writable, or choose another directory with --data-dir", Err: err}
	case errors.Is(err, fs.ErrPermission):
		return &AccessError{Path: path, Problem: "cannot be used by " + whoami(), Remedy: "give that user the rights (chown), or choose another directory with --data-dir", Err: err}
	}
	return fmt.Errorf("cannot %s: %w", doing, err)
}

func whoami() string {
	if u, err := user.Current(); err == nil && u.Username != "" {
		return "user " + u.Username
	}
	return "uid " + strconv.Itoa(syscall.Getuid())
}
