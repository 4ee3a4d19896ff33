package testbed

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sync/errgroup"
)

// Bed is a set of members over one etcd.
type Bed struct {
	// Dir holds data, logs, pid files and, as NAME.kubeconfig, the kubeconfigs.
	Dir string
	// Etcd is shared by the members.
	Etcd *Etcd
	// Members are in order of their names.
	Members []*Member

	options   Options
	temporary bool
	spawner   *spawner // nil when detached
}

// Start brings up an etcd and the members, in parallel, and returns when each
// has a schedulable node. What runs already below a named Dir is kept. On an
// error nothing that it started is left running.
//
// Unless Detached is set, all processes die with this program.
func Start(ctx context.Context, o Options) (*Bed, error) {
	temporary := o.Dir == ""
	if temporary && o.Detached {
		return nil, errors.New("a detached bed needs a directory")
	}
	if err := o.complete(); err != nil {
		return nil, err
	}
	unlock, err := lock(o.Dir)
	if err != nil {
		return nil, err
	}
	defer unlock()
	b, err := assemble(o)
	if err == nil {
		b.temporary = temporary
		err = b.start(ctx)
	}
	if err != nil && b != nil {
		err = errors.Join(err, b.abandon())
	}
	if err != nil {
		return nil, err
	}
	return b, nil
}

// Open finds the detached bed below o.Dir again, whether or not it still runs.
// It starts nothing. A directory without a bed is an error that is
// fs.ErrNotExist.
func Open(o Options) (*Bed, error) {
	if o.Dir == "" || !exists(statePath(o.Dir)) {
		return nil, fmt.Errorf("no members below %q: start some with member up: %w", o.Dir, fs.ErrNotExist)
	}
	o.Detached = true
	if err := o.complete(); err != nil {
		return nil, err
	}
	o.Members = 0 // those that the state names
	return assemble(o)
}

// assemble describes the bed of the directory's state, extended to the members
// asked for. It starts nothing.
func assemble(o Options) (*Bed, error) {
	s, err := loadState(o)
	if err != nil {
		return nil, err
	}
	b := &Bed{Dir: o.Dir, options: o}
	if !o.Detached {
		b.spawner = newSpawner()
	}
	b.Etcd, err = newEtcd(EtcdOptions{
		Dir: filepath.Join(o.Dir, "etcd"), Binary: o.Binary, port: s.EtcdPort, peerPort: s.EtcdPeerPort,
		spawner: b.spawner, detached: o.Detached,
	})
	if err != nil {
		return nil, err
	}
	for i, m := range s.Members {
		member, err := newMember(b, i, m)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", m.Name, err)
		}
		b.Members = append(b.Members, member)
	}
	return b, nil
}

func (b *Bed) start(ctx context.Context) error {
	b.progress("etcd: starting")
	if err := b.Etcd.Start(); err != nil {
		return err
	}
	if err := b.Etcd.awaitReady(ctx); err != nil {
		return err
	}
	group, ctx := errgroup.WithContext(ctx)
	for _, m := range b.Members {
		group.Go(func() error {
			if err := m.start(ctx); err != nil {
				return fmt.Errorf("%s: %w", m.Name, err)
			}
			return nil
		})
	}
	return group.Wait()
}

// Member returns the member of that name, or nil.
func (b *Bed) Member(name string) *Member {
	for _, m := range b.Members {
		if m.Name == name {
			return m
		}
	}
	return nil
}

// Processes returns all processes of the bed, those that others need first.
func (b *Bed) Processes() []*Process {
	all := []*Process{b.Etcd.Process}
	for _, m := range b.Members {
		all = append(all, m.APIServer)
	}
	for _, m := range b.Members {
		all = append(all, m.ControllerManager, m.Scheduler, m.KWOK)
	}
	return all
}

// Stop ends all processes of the bed and, if the directory was not named,
// removes it. It can be repeated.
func (b *Bed) Stop() error {
	err := b.end(b.Processes(), 0)
	if b.spawner != nil {
		b.spawner.close()
	}
	if err == nil && b.temporary {
		err = os.RemoveAll(b.Dir)
	}
	return err
}

// Down stops a detached bed, giving each process grace to end by itself. It
// removes what the bed wrote below its directory unless keep is set: with keep,
// the next Start goes on with the same clusters.
func (b *Bed) Down(grace time.Duration, keep bool) error {
	unlock, err := lock(b.Dir)
	if err != nil {
		return err
	}
	defer unlock()
	if err := b.end(b.Processes(), grace); err != nil {
		return err
	}
	if keep {
		return nil
	}
	remove := []string{b.Etcd.dir(), statePath(b.Dir), lockPath(b.Dir)}
	for _, m := range b.Members {
		remove = append(remove, m.dir, m.Kubeconfig)
	}
	for _, path := range remove {
		if err := os.RemoveAll(path); err != nil {
			return err
		}
	}
	// The directory goes too unless it holds something that is not ours.
	if err := os.Remove(b.Dir); err != nil && !errors.Is(err, syscall.ENOTEMPTY) && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// end stops processes, clients before the servers that they talk to.
func (b *Bed) end(processes []*Process, grace time.Duration) error {
	servers := 1 + len(b.Members) // etcd and the API servers come first in Processes
	var errs []error
	for _, part := range [][]*Process{processes[servers:], processes[1:servers], processes[:1]} {
		var wait sync.WaitGroup
		results := make([]error, len(part))
		for i, p := range part {
			wait.Go(func() {
				if grace == 0 {
					results[i] = p.Kill()
				} else {
					results[i] = p.Stop(context.Background(), grace)
				}
			})
		}
		wait.Wait()
		errs = append(errs, results...)
	}
	return errors.Join(errs...)
}

// abandon undoes a start that failed: it ends what this program started and
// leaves alone what ran before.
func (b *Bed) abandon() error {
	var errs []error
	for _, p := range b.Processes() {
		if p.startedHere() {
			errs = append(errs, p.Kill())
		}
	}
	if b.spawner != nil {
		b.spawner.close()
	}
	if b.temporary {
		errs = append(errs, os.RemoveAll(b.Dir))
	}
	return errors.Join(errs...)
}

func (b *Bed) progress(format string, args ...any) {
	fmt.Fprintf(b.options.Progress, format+"\n", args...)
}
