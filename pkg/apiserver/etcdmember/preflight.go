package etcdmember

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"
	"go.etcd.io/etcd/client/pkg/v3/fileutil"

	"atoll.dev/atoll/pkg/apiserver/datadir"
)

// lockPatience is how long the database may be locked: longer than it takes a
// process that was just killed to vanish.
const lockPatience = time.Second

// preflight looks at data from earlier starts for what etcd itself would answer
// with a crash or by waiting for ever. It tells whether there are data at all.
func (c Config) preflight() (initialized bool, err error) {
	initialized = hasLog(filepath.Join(c.Dir, "member", "wal"))
	db := filepath.Join(c.Dir, "member", "snap", "db")
	info, err := os.Stat(db)
	if errors.Is(err, os.ErrNotExist) {
		if initialized {
			// The log alone goes back no further than the last snapshot.
			return true, &CorruptError{Dir: c.Dir, Err: fmt.Errorf("%s is missing", db)}
		}
		return false, nil
	}
	if err != nil {
		return initialized, datadir.Explain(err, "look at "+db, db)
	}
	members, err := inspect(db, info.Size())
	switch {
	case errors.Is(err, bolterrors.ErrTimeout):
		return initialized, &InUseError{Dir: c.Dir}
	case err != nil && !initialized:
		// Left by a first start that was cut off before its log existed: nothing was ever stored.
		return false, datadir.Explain(os.Remove(db), "remove "+db, db)
	case err != nil:
		return initialized, c.explain(err, true)
	}
	if !initialized && len(members) > 0 {
		// A new log beside an old database would silently mix two histories.
		return false, &CorruptError{Dir: c.Dir, Err: fmt.Errorf("the log in %s is missing", filepath.Join(c.Dir, "member", "wal"))}
	}
	if slices.ContainsFunc(members, func(m string) bool { return m != c.Name }) {
		return initialized, &ForeignError{Dir: c.Dir, Members: members, Want: c.Name}
	}
	return initialized, nil
}

// hasLog tells whether a log has been begun; etcd makes its directory by a rename.
func hasLog(dir string) bool {
	names, err := fileutil.ReadDir(dir)
	return err == nil && slices.ContainsFunc(names, func(n string) bool { return strings.HasSuffix(n, ".wal") })
}

// inspect opens the database for reading, checks it as far as that is cheap, and
// returns the names of the members it knows, sorted; a member that never started has none.
func inspect(db string, size int64) (members []string, err error) {
	// Reading past the end of a mapped file raises SIGBUS; as a panic it can be caught.
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if fault := recover(); fault != nil {
			err = fmt.Errorf("cannot read %s: %v", db, fault)
		}
	}()
	opened, err := bbolt.Open(db, 0o600, &bbolt.Options{ReadOnly: true, PreLoadFreelist: true, Timeout: lockPatience})
	if err != nil {
		return nil, fmt.Errorf("cannot open %s: %w", db, err)
	}
	defer opened.Close()
	err = opened.View(func(tx *bbolt.Tx) error {
		if tx.Size() > size {
			return fmt.Errorf("%s is cut off: %d bytes of %d", db, size, tx.Size())
		}
		members, err = readMembers(tx)
		return err
	})
	return members, err
}

// readMembers reads the bucket that etcd's package schema calls Members.
func readMembers(tx *bbolt.Tx) ([]string, error) {
	bucket := tx.Bucket([]byte("members"))
	if bucket == nil {
		return nil, nil
	}
	var names []string
	err := bucket.ForEach(func(_, value []byte) error {
		var member struct {
			Name string `json:"name"`
		}
		if err := json.Unmarshal(value, &member); err != nil {
			return fmt.Errorf("cannot decode a member: %w", err)
		}
		names = append(names, member.Name)
		return nil
	})
	slices.Sort(names)
	return names, err
}
