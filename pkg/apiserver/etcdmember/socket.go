package etcdmember

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"syscall"

	"atoll.dev/atoll/pkg/apiserver/datadir"
)

// maxSocketPath is what fits into sockaddr_un.sun_path on every Unix, less the final NUL.
const maxSocketPath = 103

// sockets are where a member listens.
type sockets struct {
	grpc, http url.URL
}

// endpoint is grpc as etcd's client wants it.
func (s sockets) endpoint() string {
	if s.grpc.Scheme == "unix" {
		return "unix://" + s.grpc.Path
	}
	return s.grpc.String()
}

// place returns where the member listens. Its directory is private, and so are
// the sockets in it; if its path is too long for a socket they move to a private
// directory for temporary files, always the same one.
func (c Config) place() (sockets, error) {
	dir := c.Dir
	if len(filepath.Join(dir, "client.sock")) > maxSocketPath {
		sum := sha256.Sum256([]byte(c.Dir))
		dir = filepath.Join(runtimeDir(), "atoll-"+strconv.Itoa(os.Geteuid())+"-"+hex.EncodeToString(sum[:8]))
		if err := ensurePrivate(dir); err != nil {
			return sockets{}, err
		}
	}
	at := sockets{
		grpc: url.URL{Scheme: "unix", Path: filepath.Join(dir, "client.sock")},
		http: url.URL{Scheme: "unix", Path: filepath.Join(dir, "http.sock")},
	}
	if c.Listen != "" {
		at.grpc = mustURL(c.Listen) // withDefaults has parsed it
	}
	return at, nil
}

func runtimeDir() string {
	if dir := os.Getenv("XDG_RUNTIME_DIR"); filepath.IsAbs(dir) {
		return dir
	}
	return os.TempDir()
}

// ensurePrivate makes a directory of which no other user has a part, or refuses the one that is there.
func ensurePrivate(dir string) error {
	if err := os.Mkdir(dir, 0o700); err != nil && !os.IsExist(err) {
		return datadir.Explain(err, "make the directory "+dir, dir)
	}
	info, err := os.Lstat(dir)
	if err != nil {
		return datadir.Explain(err, "look at "+dir, dir)
	}
	owner, ok := info.Sys().(*syscall.Stat_t)
	if !info.IsDir() || info.Mode().Perm()&0o077 != 0 || (ok && int(owner.Uid) != os.Geteuid()) {
		return fmt.Errorf("cannot put etcd's socket into %s: it is not a private directory of this user; remove it, or use a --data-dir with a shorter path", dir)
	}
	return nil
}
