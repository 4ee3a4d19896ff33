package etcdmember

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
)

// A member that is killed in the middle of its writes has everything that it acknowledged.
func TestKillLosesNothingAcknowledged(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "etcd")
	next := 0
	for round := range 6 {
		writer, stderr := runWriter(t, dir, next)
		stdout, err := writer.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := writer.Start(); err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(stdout)
		for goal := next + 1 + rand.IntN(200); next < goal; next++ {
			if !lines.Scan() {
				t.Fatalf("round %d: the writer ended early: %s", round, stderr)
			}
			if lines.Text() != fmt.Sprint(next) {
				t.Fatalf("round %d: the writer said %q, want %d", round, lines.Text(), next)
			}
		}
		if err := writer.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		for lines.Scan() { // what it had acknowledged before it noticed
			next++
		}
		writer.Wait()

		m := start(t, Config{Dir: dir, SnapshotCount: 50})
		got, err := client(t, m).Get(t.Context(), "k/", clientv3.WithPrefix())
		if err != nil {
			t.Fatal(err)
		}
		for i := range next {
			if i >= len(got.Kvs) || string(got.Kvs[i].Value) != fmt.Sprint(i) {
				t.Fatalf("round %d: key %d of %d acknowledged ones is lost", round, i, next)
			}
		}
		// One more may have been written without its acknowledgement being heard.
		next = len(got.Kvs)
		if err := m.Stop(); err != nil {
			t.Fatal(err)
		}
	}
}

// A first start that is killed at any moment leaves what the next one carries on.
func TestKilledFirstStart(t *testing.T) {
	for delay := 5 * time.Millisecond; delay < 100*time.Millisecond; delay += 6 * time.Millisecond {
		t.Run(delay.String(), func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "etcd")
			writer, _ := runWriter(t, dir, 0)
			if err := writer.Start(); err != nil {
				t.Fatal(err)
			}
			time.Sleep(delay) // not a wait for anything: the moment of the kill is what varies
			if err := writer.Process.Kill(); err != nil {
				t.Fatal(err)
			}
			writer.Wait()
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
			defer cancel()
			m, err := Start(ctx, Config{Dir: dir})
			if err != nil {
				t.Fatal(err)
			}
			defer m.Stop()
			if _, err := client(t, m).Put(ctx, "k", "v"); err != nil {
				t.Error(err)
			}
		})
	}
}

func runWriter(t *testing.T, dir string, first int) (*exec.Cmd, *bytes.Buffer) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), self)
	cmd.Env = append(os.Environ(), writerDirectory+"="+dir, firstVariable+"="+fmt.Sprint(first))
	stderr := &bytes.Buffer{}
	cmd.Stderr = stderr
	return cmd, stderr
}
