package datadir

import (
	"fmt"
	"os"
	"syscall"
	"testing"
	"time"
)

// The test binary plays a server of its own: to be killed in the middle of a
// first start, or to hold a lock.
const (
	roleVariable = "DATADIR_TEST_ROLE" // "die" or "hold"
	pathVariable = "DATADIR_TEST_PATH"
	stepVariable = "DATADIR_TEST_STEP"
)

func TestMain(m *testing.M) {
	path := os.Getenv(pathVariable)
	switch os.Getenv(roleVariable) {
	case "":
		os.Exit(m.Run())
	case "die":
		die := func(step string) error {
			if step == os.Getenv(stepVariable) {
				syscall.Kill(os.Getpid(), syscall.SIGKILL)
				time.Sleep(time.Minute) // the signal may take a moment
			}
			return nil
		}
		_, err := Open(path, Options{beforeStep: die})
		fmt.Fprintf(os.Stderr, "survived: %v\n", err)
		os.Exit(3)
	case "hold":
		if _, err := Open(path, Options{}); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		fmt.Println("held")
		os.Stdin.Read(make([]byte, 1))
	}
}
