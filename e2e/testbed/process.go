package testbed

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// Process is one daemon: how it is started, and the one run of it that is
// alive, if any. It can be started again after it ended.
type Process struct {
	// Name is the part's name, for example "kube-apiserver".
	Name string
	// Log is the file that collects stdout and stderr of all its runs.
	Log string

	command []string
	dir     string
	env     []string
	pidFile string
	spawner *spawner // nil: the process outlives the caller

	mu  sync.Mutex
	run *run
}

// run identifies one run of a process. The start time tells it from another
// process that was given the same pid later.
type run struct {
	pid     int
	started string
	ended   chan struct{} // closed once reaped; nil when the process is not our child
	state   *os.ProcessState
}

// Start starts the process unless it runs already.
func (p *Process) Start() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.current() != nil {
		return nil
	}
	log, err := os.OpenFile(p.Log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("opening the log of %s: %w", p.Name, err)
	}
	defer log.Close()
	cmd := exec.Command(p.command[0], p.command[1:]...)
	cmd.Dir, cmd.Stdout, cmd.Stderr = p.dir, log, log
	if p.env != nil {
		cmd.Env = append(os.Environ(), p.env...)
	}
	if p.spawner == nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
		err = cmd.Start()
	} else {
		err = p.spawner.start(cmd)
	}
	if err != nil {
		return fmt.Errorf("starting %s: %w", p.Name, err)
	}
	r := &run{pid: cmd.Process.Pid, started: startTime(cmd.Process.Pid), ended: make(chan struct{})}
	p.run = r
	go func() {
		_ = cmd.Wait()
		r.state = cmd.ProcessState
		close(r.ended)
	}()
	return os.WriteFile(p.pidFile, fmt.Appendf(nil, "%d %s\n", r.pid, r.started), 0o600)
}

// current returns the run that is alive, adopting one from the pid file when
// another program started it; nil when there is none. The caller holds mu.
func (p *Process) current() *run {
	if p.run != nil && p.run.alive() {
		return p.run
	}
	data, err := os.ReadFile(p.pidFile)
	if err != nil {
		return nil
	}
	fields := strings.Fields(string(data))
	if len(fields) != 2 {
		return nil
	}
	pid, err := strconv.Atoi(fields[0])
	if err != nil || pid <= 1 {
		return nil
	}
	r := &run{pid: pid, started: fields[1]}
	if !r.alive() {
		return nil
	}
	p.run = r
	return r
}

func (r *run) alive() bool {
	if r.ended != nil {
		select {
		case <-r.ended:
			return false
		default:
			return true
		}
	}
	return r.started != "" && startTime(r.pid) == r.started
}

// PID returns the process id, or 0 when the process does not run.
func (p *Process) PID() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	if r := p.current(); r != nil {
		return r.pid
	}
	return 0
}

// Running tells whether the process is alive.
func (p *Process) Running() bool { return p.PID() != 0 }

// startedHere tells whether the run that is alive is a child of this program.
func (p *Process) startedHere() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	r := p.current()
	return r != nil && r.ended != nil
}

// endedByItself tells whether a run that was started or found here is over
// though nobody stopped it.
func (p *Process) endedByItself() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.run != nil && !p.run.alive()
}

// Kill ends the process with SIGKILL and waits until it is gone.
func (p *Process) Kill() error {
	return p.end(context.Background(), syscall.SIGKILL, 0)
}

// Stop ends the process with SIGTERM, after grace with SIGKILL, and waits
// until it is gone. Stopping what does not run is no error.
func (p *Process) Stop(ctx context.Context, grace time.Duration) error {
	return p.end(ctx, syscall.SIGTERM, grace)
}

func (p *Process) end(ctx context.Context, signal syscall.Signal, grace time.Duration) error {
	p.mu.Lock()
	r := p.current()
	p.mu.Unlock()
	if r == nil {
		return p.forget()
	}
	if err := syscall.Kill(r.pid, signal); err != nil && !errors.Is(err, syscall.ESRCH) {
		return fmt.Errorf("sending %s to %s (pid %d): %w", signal, p.Name, r.pid, err)
	}
	if signal != syscall.SIGKILL {
		// A paused process receives SIGTERM only once it continues.
		_ = syscall.Kill(r.pid, syscall.SIGCONT)
		if waitGone(ctx, r, grace) {
			return p.forget()
		}
		if err := syscall.Kill(r.pid, syscall.SIGKILL); err != nil && !errors.Is(err, syscall.ESRCH) {
			return fmt.Errorf("killing %s (pid %d): %w", p.Name, r.pid, err)
		}
	}
	if !waitGone(context.Background(), r, 10*time.Second) {
		return fmt.Errorf("%s (pid %d) is still there 10 s after SIGKILL", p.Name, r.pid)
	}
	return p.forget()
}

// forget removes the traces of a run that was stopped on purpose.
func (p *Process) forget() error {
	p.mu.Lock()
	p.run = nil
	p.mu.Unlock()
	if err := os.Remove(p.pidFile); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("removing the pid file of %s: %w", p.Name, err)
	}
	return nil
}

func waitGone(ctx context.Context, r *run, timeout time.Duration) bool {
	return Eventually(ctx, timeout, "process end", func(context.Context) error {
		if r.alive() {
			return errors.New("alive")
		}
		return nil
	}) == nil
}

// Wait waits until the process has ended by itself and returns its exit code.
// It needs a process that this program started.
func (p *Process) Wait(ctx context.Context) (int, error) {
	p.mu.Lock()
	r := p.run
	p.mu.Unlock()
	if r == nil || r.ended == nil {
		return 0, fmt.Errorf("%s was not started here", p.Name)
	}
	select {
	case <-r.ended:
		return r.state.ExitCode(), nil
	case <-ctx.Done():
		return 0, fmt.Errorf("waiting for %s to end: %w", p.Name, context.Cause(ctx))
	}
}

// terminate sends SIGTERM, also to a paused process.
func (p *Process) terminate() error {
	if err := p.signal(syscall.SIGTERM); err != nil {
		return err
	}
	_ = p.signal(syscall.SIGCONT) // fails if it is gone already
	return nil
}

// Pause freezes the process (SIGSTOP): it keeps its connections and answers
// nothing, like a host that hangs.
func (p *Process) Pause() error { return p.signal(syscall.SIGSTOP) }

// Resume lets a paused process go on.
func (p *Process) Resume() error { return p.signal(syscall.SIGCONT) }

func (p *Process) signal(signal syscall.Signal) error {
	pid := p.PID()
	if pid == 0 {
		return fmt.Errorf("%s does not run", p.Name)
	}
	if err := syscall.Kill(pid, signal); err != nil {
		return fmt.Errorf("sending %s to %s (pid %d): %w", signal, p.Name, pid, err)
	}
	return nil
}

// RSS returns the resident memory of the process in bytes.
func (p *Process) RSS() (int64, error) {
	pid := p.PID()
	if pid == 0 {
		return 0, fmt.Errorf("%s does not run", p.Name)
	}
	statm, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "statm"))
	if err != nil {
		return 0, err
	}
	var size, resident int64
	if _, err := fmt.Sscan(string(statm), &size, &resident); err != nil {
		return 0, fmt.Errorf("reading the memory of %s: %w", p.Name, err)
	}
	return resident * int64(os.Getpagesize()), nil
}

// LogTail returns the last lines of the process's log.
func (p *Process) LogTail(lines int) string {
	data, err := os.ReadFile(p.Log)
	if err != nil {
		return ""
	}
	all := bytes.Split(bytes.TrimRight(data, "\n"), []byte("\n"))
	return string(bytes.Join(all[max(0, len(all)-lines):], []byte("\n")))
}

// startTime returns the time at which a live process started, in clock ticks
// since the machine did; "" when there is none or when it is a zombie.
func startTime(pid int) string {
	stat, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "stat"))
	if err != nil {
		return ""
	}
	// The command, in parentheses, may itself hold spaces and parentheses.
	fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))
	const state, start = 0, 19 // fields 3 and 22 of proc(5)
	if len(fields) <= start || fields[state] == "Z" || fields[state] == "X" {
		return ""
	}
	return fields[start]
}
