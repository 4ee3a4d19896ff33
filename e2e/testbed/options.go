package testbed

import (
	"io"
	"os"
	"path/filepath"
)

// Options say which members to start.
type Options struct {
	// Dir holds everything the bed writes. "" means a temporary directory that
	// Stop removes; a named one is kept, with its logs, for whoever named it.
	Dir string
	// Members is how many, named member1, member2… At least 1, default 1.
	Members int
	// Nodes is how many schedulable nodes each member has. Default 1.
	Nodes int
	// Audit makes each API server write the metadata of every write to
	// Member.AuditLog before it answers.
	Audit bool
	// Detached lets the processes outlive this program: Open finds them again.
	// It needs a named Dir.
	Detached bool
	// Binary is the member binary; "" means bin/member of this repository.
	Binary string
	// Progress receives a line per step; nil means none.
	Progress io.Writer
}

func (o *Options) complete() error {
	if o.Members < 1 {
		o.Members = 1
	}
	if o.Nodes < 1 {
		o.Nodes = 1
	}
	if o.Progress == nil {
		o.Progress = io.Discard
	}
	var err error
	if o.Binary == "" {
		if o.Binary, err = Binary("member"); err != nil {
			return err
		}
	}
	if o.Binary, err = filepath.Abs(o.Binary); err != nil {
		return err
	}
	if o.Dir == "" {
		o.Dir, err = os.MkdirTemp("", "atoll-bed-")
		return err
	}
	if o.Dir, err = filepath.Abs(o.Dir); err != nil {
		return err
	}
	return os.MkdirAll(o.Dir, 0o700)
}
