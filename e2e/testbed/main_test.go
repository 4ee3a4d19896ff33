package testbed_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"syscall"
	"testing"
	"time"

	"atoll.dev/atoll/e2e/testbed"
)

func TestMain(m *testing.M) {
	if dir := os.Getenv(orphanDir); dir != "" {
		startEtcdAndHang(dir)
	}
	if err := testbed.Build(context.Background(), os.Stderr, "member"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(m.Run())
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func eventually(t *testing.T, what string, check func(context.Context) error) {
	t.Helper()
	must(t, testbed.Eventually(t.Context(), 60*time.Second, what, check))
}

// gone is an Eventually condition: none of the processes exists any more.
func gone(pids ...int) func(context.Context) error {
	return func(context.Context) error {
		for _, pid := range pids {
			if alive(pid) {
				return fmt.Errorf("pid %d is alive", pid)
			}
		}
		return nil
	}
}

// alive tells whether a process exists that is no zombie.
func alive(pid int) bool {
	if errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) {
		return false
	}
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return false
	}
	var id int
	var command, state string
	_, err = fmt.Sscan(string(stat), &id, &command, &state)
	return err == nil && state != "Z"
}
