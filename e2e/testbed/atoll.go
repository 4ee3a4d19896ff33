package testbed

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"k8s.io/client-go/rest"
)

// readyTimeout bounds the wait for the server's /readyz. It is generous: how
// fast it is ready is a promise that a test of its own checks by ReadyAfter.
const readyTimeout = 60 * time.Second

// AtollOptions say how to start the built server.
type AtollOptions struct {
	// DataDir is its data directory. "" means a temporary one that Close removes.
	DataDir string
	// Port is its secure port; 0 means any free one.
	Port int
	// Role is the command of atolld: "server" when empty, or "apiserver".
	Role string
	// LogFile collects its output; "" means DATADIR-atolld.log. Its pid file is
	// beside it.
	LogFile string
	// ExtraArgs follow the flags for data directory and port.
	ExtraArgs []string
	// BinDir holds atolld and atoll; "" means bin/ of this repository.
	BinDir string
}

// Atoll is a run of the built server, seen from outside.
type Atoll struct {
	// Process is the server. Kill it to crash it, Restart to go on.
	*Process
	// DataDir is what it keeps.
	DataDir string
	// Kubeconfig is the administrator's that the server wrote.
	Kubeconfig string
	// RestConfig is Kubeconfig without client-side throttling.
	RestConfig *rest.Config
	// ReadyAfter is how long the last start took until /readyz said so.
	ReadyAfter time.Duration

	binDir    string
	temporary string // to be removed on Close
	roles     []*Process
	spawner   *spawner
}

// StartAtoll starts the server and waits until it is ready. It dies with this
// program. On an error nothing is left running.
func StartAtoll(ctx context.Context, o AtollOptions) (*Atoll, error) {
	a, err := NewAtoll(o)
	if err != nil {
		return nil, err
	}
	if err := a.Restart(ctx); err != nil {
		return nil, errors.Join(err, a.Close())
	}
	return a, nil
}

// NewAtoll describes a server without starting it, for tests of starts that
// must fail: call Start and Wait.
func NewAtoll(o AtollOptions) (*Atoll, error) {
	a := &Atoll{DataDir: o.DataDir, binDir: o.BinDir, spawner: newSpawner()}
	atolld, err := a.binary("atolld")
	if err != nil {
		return nil, err
	}
	if a.DataDir == "" {
		if a.temporary, err = os.MkdirTemp("", "atoll-data-"); err != nil {
			return nil, err
		}
		a.DataDir = filepath.Join(a.temporary, "data")
	}
	if o.Port == 0 {
		if o.Port, err = FreePort(); err != nil {
			return nil, err
		}
	}
	if o.Role == "" {
		o.Role = "server"
	}
	a.Kubeconfig = filepath.Join(a.DataDir, "admin.kubeconfig")
	if o.LogFile == "" {
		o.LogFile = a.DataDir + "-atolld.log"
	}
	a.Process = &Process{
		Name: "atolld " + o.Role, Log: o.LogFile, pidFile: o.LogFile + ".pid", spawner: a.spawner,
		command: slices.Concat([]string{atolld, o.Role, "--data-dir", a.DataDir, "--secure-port", strconv.Itoa(o.Port)}, o.ExtraArgs),
	}
	return a, nil
}

// Restart starts the server again on the same data and port, after Stop or
// Kill, and waits until it is ready.
func (a *Atoll) Restart(ctx context.Context) error {
	began := time.Now()
	if err := a.Start(); err != nil {
		return err
	}
	if err := awaitServing(ctx, readyTimeout, "the server", a.ready, a.Process); err != nil {
		return err
	}
	a.ReadyAfter = time.Since(began)
	return nil
}

// ready reads the kubeconfig, which the first start writes, and asks /readyz.
func (a *Atoll) ready(ctx context.Context) error {
	config, err := restConfig(a.Kubeconfig)
	if err != nil {
		return err
	}
	probe := rest.CopyConfig(config)
	probe.Timeout = 5 * time.Second
	client, err := rest.HTTPClientFor(probe)
	if err != nil {
		return err
	}
	defer client.CloseIdleConnections()
	if err := get(ctx, client, config.Host+"/readyz"); err != nil {
		return err
	}
	a.RestConfig = config
	return nil
}

// StartRole starts another role of the same control plane, such as "scheduler",
// as a process that ends with this server's Close. number tells several
// processes of one role apart.
func (a *Atoll) StartRole(role string, number int, args ...string) (*Process, error) {
	atolld, err := a.binary("atolld")
	if err != nil {
		return nil, err
	}
	base := fmt.Sprintf("%s-%s%d", a.DataDir, role, number)
	p := &Process{
		Name: "atolld " + role, Log: base + ".log", pidFile: base + ".pid", spawner: a.spawner,
		command: append([]string{atolld, role}, args...),
	}
	if err := p.Start(); err != nil {
		return nil, err
	}
	a.roles = append(a.roles, p)
	return p, nil
}

// Stop ends the server as a user does, with SIGTERM, and tells when it needs
// to be killed after 30 s.
func (a *Atoll) Stop(ctx context.Context) error {
	if err := a.terminate(); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	code, err := a.Wait(ctx)
	if err != nil {
		return errors.Join(err, a.Kill())
	}
	if code != 0 {
		return fmt.Errorf("the server ended with exit code %d on SIGTERM; the end of %s:\n%s", code, a.Log, a.LogTail(15))
	}
	return a.forget()
}

// Close kills the server and removes a temporary data directory.
func (a *Atoll) Close() error {
	err := a.Kill()
	for _, role := range a.roles {
		err = errors.Join(err, role.Kill())
	}
	a.spawner.close()
	if a.temporary != "" {
		err = errors.Join(err, os.RemoveAll(a.temporary))
	}
	return err
}

func (a *Atoll) binary(name string) (string, error) {
	if a.binDir == "" {
		return Binary(name)
	}
	path := filepath.Join(a.binDir, name)
	if !exists(path) {
		return "", fmt.Errorf("%s is missing: build it with make build", path)
	}
	return path, nil
}
