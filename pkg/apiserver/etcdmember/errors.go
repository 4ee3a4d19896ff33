package etcdmember

import (
	"errors"
	"fmt"
	"strings"
	"syscall"

	"atoll.dev/atoll/pkg/apiserver/datadir"
)

// CorruptError says that the data of the member cannot be read.
type CorruptError struct {
	// Dir is the member's directory.
	Dir string
	// Err is what etcd said.
	Err error
}

func (e *CorruptError) Error() string {
	return fmt.Sprintf("etcd's data in %s is corrupt (%v): move the directory away and restore it from a backup", e.Dir, e.Err)
}

func (e *CorruptError) Unwrap() error { return e.Err }

// ForeignError says that the data is that of another member or cluster.
type ForeignError struct {
	// Dir is the member's directory.
	Dir string
	// Members are the names of those in the data.
	Members []string
	// Want is the name of the only member that should be there.
	Want string
}

func (e *ForeignError) Error() string {
	return fmt.Sprintf("etcd's data in %s belongs to a cluster of other members (%s; want only %s): restore a backup of it into an empty data directory, or run that cluster and name it with --etcd-servers",
		e.Dir, strings.Join(e.Members, ", "), e.Want)
}

// InUseError says that another process has the database open.
type InUseError struct {
	// Dir is the member's directory.
	Dir string
}

func (e *InUseError) Error() string {
	return fmt.Sprintf("etcd's data in %s is in use by another process: stop it first", e.Dir)
}

// PortError says that the port to listen on is taken.
type PortError struct {
	// Listen is the URL.
	Listen string
	// Err is the cause.
	Err error
}

func (e *PortError) Error() string {
	return fmt.Sprintf("cannot listen on %s: another process does: stop it, or choose another port", e.Listen)
}

func (e *PortError) Unwrap() error { return e.Err }

// explain turns what etcd says into a sentence for people. initialized tells
// whether there were data that could have been corrupt.
func (c Config) explain(err error, initialized bool) error {
	var (
		space  *datadir.SpaceError
		access *datadir.AccessError
	)
	switch said := datadir.Explain(err, "start etcd", c.Dir); {
	case err == nil:
		return nil
	case errors.As(said, &space), errors.As(said, &access):
		return said
	case strings.Contains(err.Error(), syscall.ENOSPC.Error()): // where etcd kept the text alone
		return &datadir.SpaceError{Path: c.Dir}
	case errors.Is(err, syscall.EADDRINUSE):
		return &PortError{Listen: c.Listen, Err: err}
	case initialized:
		return &CorruptError{Dir: c.Dir, Err: err}
	}
	return fmt.Errorf("cannot start etcd in %s: %w", c.Dir, err)
}
