package etcdmember

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"runtime/debug"
	"slices"

	"go.etcd.io/bbolt"
)

// databaseFacts is what a database says of itself.
type databaseFacts struct {
	// applied is the number of the last log entry that went into it, 0 if none.
	applied uint64
	// members are the names of the members it knows, sorted; one that never started has none.
	members []string
}

// readDatabase opens the database for reading, and checks it as far as that is cheap.
func readDatabase(path string, size int64) (facts databaseFacts, err error) {
	if size == 0 {
		return facts, errors.New(path + " is empty")
	}
	// Reading past the end of a mapped file raises SIGBUS; as a panic it can be caught.
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if fault := recover(); fault != nil {
			err = fmt.Errorf("cannot read %s: %v", path, fault)
		}
	}()
	db, err := bbolt.Open(path, 0o600, &bbolt.Options{ReadOnly: true, PreLoadFreelist: true, Timeout: lockPatience})
	if err != nil {
		return facts, fmt.Errorf("cannot open %s: %w", path, err)
	}
	defer db.Close()
	err = db.View(func(tx *bbolt.Tx) error {
		if tx.Size() > size {
			return fmt.Errorf("%s is cut off: %d bytes of %d", path, size, tx.Size())
		}
		// Buckets and keys as etcd's package schema has them.
		if meta := tx.Bucket([]byte("meta")); meta != nil {
			if index := meta.Get([]byte("consistent_index")); len(index) == 8 {
				facts.applied = binary.BigEndian.Uint64(index)
			}
		}
		if members := tx.Bucket([]byte("members")); members != nil {
			return members.ForEach(func(_, value []byte) error {
				var member struct {
					Name string `json:"name"`
				}
				if err := json.Unmarshal(value, &member); err != nil {
					return fmt.Errorf("cannot decode a member in %s: %w", path, err)
				}
				facts.members = append(facts.members, member.Name)
				return nil
			})
		}
		return nil
	})
	slices.Sort(facts.members)
	return facts, err
}
