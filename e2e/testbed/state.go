package testbed

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// state is what a bed must remember to find its processes again and to restart
// them at the same addresses. Start alone writes it, before it starts anything.
type state struct {
	EtcdPort     int           `json:"etcdPort"`
	EtcdPeerPort int           `json:"etcdPeerPort"`
	Members      []memberState `json:"members"`
}

type memberState struct {
	Name  string `json:"name"`
	Port  int    `json:"port"`
	Nodes int    `json:"nodes"`
	Audit bool   `json:"audit,omitempty"`
}

func statePath(dir string) string { return filepath.Join(dir, "bed.json") }

// loadState reads the state of the directory and adds the members asked for
// that it does not have.
func loadState(o Options) (*state, error) {
	s := &state{}
	path := statePath(o.Dir)
	data, err := os.ReadFile(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return nil, err
	default:
		if err := json.Unmarshal(data, s); err != nil {
			return nil, fmt.Errorf("reading %s: %w", path, err)
		}
	}
	ports := []*int{&s.EtcdPort, &s.EtcdPeerPort}
	for i := len(s.Members); i < o.Members; i++ {
		s.Members = append(s.Members, memberState{Name: fmt.Sprintf("member%d", i+1), Nodes: o.Nodes, Audit: o.Audit})
	}
	for i := range s.Members {
		ports = append(ports, &s.Members[i].Port)
	}
	for _, port := range ports {
		if *port == 0 {
			if *port, err = FreePort(); err != nil {
				return nil, err
			}
		}
	}
	if data, err = json.MarshalIndent(s, "", "  "); err != nil {
		return nil, err
	}
	return s, writeWhole(path, func(temporary string) error { return os.WriteFile(temporary, data, 0o600) })
}

func lockPath(dir string) string { return filepath.Join(dir, ".lock") }

// lock keeps two programs from changing one bed at the same time. It fails at
// once when another one is at it.
func lock(dir string) (unlock func(), err error) {
	file, err := os.OpenFile(lockPath(dir), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		_ = file.Close()
		return nil, fmt.Errorf("another command is starting or stopping the members below %s: wait for it to end", dir)
	}
	return func() { _ = file.Close() }, nil
}
