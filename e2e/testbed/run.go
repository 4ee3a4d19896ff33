package testbed

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"syscall"
	"time"
)

// Result is what a command line tool left.
type Result struct {
	// Command is the command line, for messages.
	Command []string
	// Stdout and Stderr are all that it wrote.
	Stdout, Stderr string
	// Code is its exit code; -1 when it could not be started or was killed.
	Code int
}

// Err returns nil if the tool succeeded, otherwise an error with its stderr.
func (r Result) Err() error {
	if r.Code == 0 {
		return nil
	}
	return fmt.Errorf("%v: exit code %d\nstdout: %s\nstderr: %s", r.Command, r.Code, r.Stdout, r.Stderr)
}

// Tool runs command line tools with KUBECONFIG set, so that --kubeconfig stays
// free for the test.
type Tool struct {
	// Path is the program; Args come before those of each run.
	Path string
	Args []string
	// Kubeconfig becomes $KUBECONFIG.
	Kubeconfig string
	// Stdin is what each run reads; empty by default.
	Stdin string
}

// Run runs the tool to its end. Interrupted by ctx, it gets SIGTERM, 5 s later
// SIGKILL.
func (t Tool) Run(ctx context.Context, args ...string) Result {
	cmd := exec.CommandContext(ctx, t.Path, append(append([]string{}, t.Args...), args...)...)
	// HOME keeps discovery caches and preferences of the user out of tests.
	cmd.Env = append(os.Environ(), "KUBECONFIG="+t.Kubeconfig, "HOME="+os.TempDir())
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = 5 * time.Second
	var stdout, stderr bytes.Buffer
	cmd.Stdin = bytes.NewReader([]byte(t.Stdin))
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	r := Result{Command: cmd.Args, Stdout: stdout.String(), Stderr: stderr.String()}
	var exit *exec.ExitError
	switch {
	case errors.As(err, &exit):
		r.Code = exit.ExitCode()
	case err != nil:
		r.Code, r.Stderr = -1, r.Stderr+err.Error()
	}
	return r
}

// WithStdin returns the tool reading stdin.
func (t Tool) WithStdin(stdin string) Tool {
	t.Stdin = stdin
	return t
}

// Kubectl returns kubectl of the members' Kubernetes version.
func Kubectl(kubeconfig string) (Tool, error) {
	path, err := Binary("member")
	return Tool{Path: path, Args: []string{"kubectl"}, Kubeconfig: kubeconfig}, err
}

// Karmadactl returns Karmada's own command line tool, unmodified.
func Karmadactl(kubeconfig string) (Tool, error) {
	path, err := Binary("karmadactl")
	return Tool{Path: path, Kubeconfig: kubeconfig}, err
}

// CLI runs bin/atoll as the administrator of this server.
func (a *Atoll) CLI(ctx context.Context, args ...string) Result {
	path, err := a.binary("atoll")
	if err != nil {
		return Result{Command: append([]string{"atoll"}, args...), Stderr: err.Error(), Code: -1}
	}
	return Tool{Path: path, Kubeconfig: a.Kubeconfig}.Run(ctx, args...)
}
