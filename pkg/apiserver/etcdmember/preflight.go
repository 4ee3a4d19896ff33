package etcdmember

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	bolterrors "go.etcd.io/bbolt/errors"

	"atoll.dev/atoll/pkg/apiserver/datadir"
)

// lockPatience is how long the database may be locked: longer than it takes a
// process that was just killed to vanish.
const lockPatience = time.Second

// unfinishedSize is more than a database has before its log is begun.
const unfinishedSize = 64 << 10

// preflight looks at data from earlier starts for what etcd itself would answer
// with a crash, by waiting for ever, or by cutting its log short. It changes
// nothing but the remains of an interrupted first start, and tells whether there
// are data at all.
func (c Config) preflight() (initialized bool, err error) {
	walDir, dbFile := filepath.Join(c.Dir, "member", "wal"), filepath.Join(c.Dir, "member", "snap", "db")
	log, err := readLog(walDir)
	if err != nil {
		return true, c.explain(err, true)
	}
	info, err := os.Stat(dbFile)
	if errors.Is(err, os.ErrNotExist) {
		if log.begun {
			// The log alone goes back no further than the last snapshot.
			return true, &CorruptError{Dir: c.Dir, Err: fmt.Errorf("%s is missing", dbFile)}
		}
		return false, nil
	}
	if err != nil {
		return log.begun, datadir.Explain(err, "look at "+dbFile, dbFile)
	}
	db, err := readDatabase(dbFile, info.Size())
	switch {
	case errors.Is(err, bolterrors.ErrTimeout):
		return log.begun, &InUseError{Dir: c.Dir}
	case err != nil && (log.begun || info.Size() > unfinishedSize):
		return true, c.explain(err, true)
	case log.committed == 0 && db.applied == 0:
		// A first start that was cut off before it committed its own membership,
		// without which etcd would wait for ever. Nothing was ever stored.
		member := filepath.Join(c.Dir, "member")
		return false, datadir.Explain(os.RemoveAll(member), "remove what an interrupted first start left in "+member, member)
	case !log.begun && db.applied > 0:
		// A new log beside an old database would mix two histories.
		return true, &CorruptError{Dir: c.Dir, Err: fmt.Errorf("the log in %s is missing", walDir)}
	case db.applied > log.last:
		// etcd would give new writes the numbers of lost ones, and skip them as already applied.
		return true, &CorruptError{Dir: c.Dir, Err: fmt.Errorf("the log in %s ends at entry %d, the database is at %d", walDir, log.last, db.applied)}
	case len(db.members) > 1, len(db.members) == 1 && db.members[0] != c.Name && db.members[0] != "":
		return true, &ForeignError{Dir: c.Dir, Members: db.members, Want: c.Name}
	}
	return log.begun, nil
}
