package datadir

import (
	"golang.org/x/sys/unix"
)

// MinimumFree is the room, in bytes, without which a control plane does not
// start on an existing data directory: etcd's next log segment fits into it.
const MinimumFree = 64 << 20

// MinimumFreeFirstStart is the room, in bytes, that a first start needs: two
// preallocated log segments of etcd, its database and some growth.
const MinimumFreeFirstStart = 192 << 20

// CheckSpace returns a *SpaceError if the filesystem of path, which must exist,
// offers this process less than needed bytes or no file at all.
func CheckSpace(path string, needed uint64) error {
	var st unix.Statfs_t
	if err := unix.Statfs(path, &st); err != nil {
		return Explain(err, "ask for the free space of "+path, path)
	}
	if free := st.Bavail * uint64(st.Bsize); free < needed {
		return &SpaceError{Path: path, Free: free, Needed: needed}
	}
	// Filesystems without a fixed number of inodes report none in total.
	if st.Files > 0 && st.Ffree == 0 {
		return &SpaceError{Path: path, Inodes: true}
	}
	return nil
}
