package datadir

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// FormatVersion is the version of the directory's layout that this code writes.
const FormatVersion = 1

const markerName = "atoll.json"

// Identity is the content of DATA/atoll.json, written once on the first start.
type Identity struct {
	// FormatVersion is the version of the layout, from 1 up.
	FormatVersion int `json:"formatVersion"`
	// UID tells data directories apart; it is not the control plane's UID, which lives in etcd.
	UID string `json:"uid"`
	// CreatedAt is the time of the first start, in UTC.
	CreatedAt time.Time `json:"createdAt"`
	// CreatedBy is the version of Atoll that made the directory, possibly empty.
	CreatedBy string `json:"createdBy,omitempty"`
}

// readIdentity reads the marker in dir. Its absence is os.ErrNotExist.
func readIdentity(dir string) (Identity, error) {
	path := filepath.Join(dir, markerName)
	var id Identity
	content, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return id, err
	}
	if err != nil {
		return id, Explain(err, "read "+path, path)
	}
	if err := json.Unmarshal(bytes.TrimSpace(content), &id); err != nil {
		return id, &CorruptError{Path: path, Err: err}
	}
	if id.FormatVersion > FormatVersion {
		return id, &FormatError{Path: dir, Found: id.FormatVersion, WrittenBy: id.CreatedBy}
	}
	if id.FormatVersion < 1 {
		return id, &CorruptError{Path: path, Err: fmt.Errorf("formatVersion is %d, want 1 to %d", id.FormatVersion, FormatVersion)}
	}
	if id.UID == "" {
		return id, &CorruptError{Path: path, Err: errors.New("uid is empty")}
	}
	return id, nil
}

func writeIdentity(dir string, id Identity) error {
	content, err := json.MarshalIndent(id, "", "  ")
	if err != nil {
		return fmt.Errorf("cannot encode the identity of %s: %w", dir, err)
	}
	return WriteFile(filepath.Join(dir, markerName), append(content, '\n'), 0o600)
}

// Exists tells whether path is a data directory that has come through its first
// start. It looks only; Open may still refuse it.
func Exists(path string) bool {
	_, err := readIdentity(path)
	return err == nil
}
