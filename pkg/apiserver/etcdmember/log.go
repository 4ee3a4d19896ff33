package etcdmember

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"go.etcd.io/etcd/client/pkg/v3/fileutil"
	"go.etcd.io/etcd/server/v3/storage/wal"
	"go.etcd.io/etcd/server/v3/storage/wal/walpb"
	"go.etcd.io/raft/v3/raftpb"
)

// logFacts is what a write-ahead log says of itself.
type logFacts struct {
	// begun tells whether there is one; etcd makes its directory by a rename.
	begun bool
	// last is the number of the last entry or, if higher, of the last snapshot.
	last uint64
	// committed is the number of the last entry that is known to be committed.
	committed uint64
}

// recentFiles of a log are read: the newest may have been begun without getting an entry.
const recentFiles = 2

// readLog reads the end of the log in dir, record by record.
func readLog(dir string) (facts logFacts, err error) {
	names, err := fileutil.ReadDir(dir) // sorted
	if errors.Is(err, fs.ErrNotExist) {
		return facts, nil
	}
	if err != nil {
		return facts, fmt.Errorf("cannot list the log: %w", err)
	}
	names = slices.DeleteFunc(names, func(n string) bool { return !strings.HasSuffix(n, ".wal") })
	if len(names) == 0 {
		return facts, nil
	}
	facts.begun = true
	var files []fileutil.FileReader
	for _, name := range names[max(0, len(names)-recentFiles):] {
		f, err := os.Open(filepath.Join(dir, name))
		if err != nil {
			return facts, fmt.Errorf("cannot open the log: %w", err)
		}
		defer f.Close()
		files = append(files, fileutil.NewFileReader(f))
	}
	decoder := wal.NewDecoder(files...)
	record := &walpb.Record{}
	for {
		switch err := decoder.Decode(record); {
		case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
			return facts, nil // the last write may have been cut off: it was not acknowledged
		case err != nil:
			return facts, fmt.Errorf("cannot read the log in %s: %w", dir, err)
		}
		if err := facts.take(record, decoder); err != nil {
			return facts, fmt.Errorf("cannot read the log in %s: %w", dir, err)
		}
	}
}

func (f *logFacts) take(record *walpb.Record, decoder wal.Decoder) error {
	switch record.Type {
	case wal.CrcType:
		// Each file starts with the checksum of those before it; before the first there is none.
		if before := decoder.LastCRC(); before != 0 && record.Validate(before) != nil {
			return wal.ErrCRCMismatch
		}
		decoder.UpdateCRC(record.Crc)
	case wal.EntryType:
		var entry raftpb.Entry
		if err := entry.Unmarshal(record.Data); err != nil {
			return err
		}
		f.last = entry.Index // an entry replaces those with its number and higher
	case wal.StateType:
		var state raftpb.HardState
		if err := state.Unmarshal(record.Data); err != nil {
			return err
		}
		f.committed = state.Commit
	case wal.SnapshotType:
		var snapshot walpb.Snapshot
		if err := snapshot.Unmarshal(record.Data); err != nil {
			return err
		}
		f.last = max(f.last, snapshot.Index)
		f.committed = max(f.committed, snapshot.Index)
	}
	return nil
}
