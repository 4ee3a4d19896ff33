package testbed

import (
	"os/exec"
	"runtime"
	"sync"
	"syscall"
)

// spawner starts processes that the kernel kills when this program dies,
// however it dies. The kernel ties that promise to the thread that forked, so
// one locked thread forks them all and lives until close.
type spawner struct {
	requests chan func()
	once     sync.Once
}

func newSpawner() *spawner {
	s := &spawner{requests: make(chan func())}
	go func() {
		runtime.LockOSThread() // never unlocked: the thread ends with the goroutine
		for request := range s.requests {
			request()
		}
	}()
	return s
}

func (s *spawner) start(cmd *exec.Cmd) error {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	result := make(chan error)
	s.requests <- func() { result <- cmd.Start() }
	return <-result
}

// close ends the thread and with it every process that is still alive.
func (s *spawner) close() { s.once.Do(func() { close(s.requests) }) }
