package testbed_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"atoll.dev/atoll/e2e/testbed"
)

// TestUpAndDown drives the command that make members and make members-down call.
func TestUpAndDown(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "members")
	run := memberCommand(t)
	t.Cleanup(func() { run("down", "--dir", dir) })

	if r := run("list", "--dir", dir); r.Code != 1 || !strings.Contains(r.Stderr, dir) {
		t.Errorf("list without members: %+v, want exit code 1 and the directory named", r)
	}
	must(t, run("up", "--count", "1", "--dir", dir).Err())
	before := pids(t, dir)

	must(t, run("up", "--count", "2", "--dir", dir).Err())
	after := pids(t, dir)
	for name, pid := range before {
		if after[name] != pid {
			t.Errorf("%s: pid %d became %d, want what runs to be kept", name, pid, after[name])
		}
	}
	if len(after) != len(before)+4 {
		t.Errorf("processes %v, want four more than %v", after, before)
	}
	for _, name := range []string{"member1", "member2"} {
		kubectl, err := testbed.Kubectl(filepath.Join(dir, name+".kubeconfig"))
		must(t, err)
		r := kubectl.Run(t.Context(), "--context", name, "get", "nodes", "-o", "name")
		must(t, r.Err())
		if want := "node/" + name + "-node1\n"; r.Stdout != want {
			t.Errorf("nodes of %s: %q, want %q", name, r.Stdout, want)
		}
	}

	killed := "member2/kube-scheduler"
	process, err := os.FindProcess(after[killed])
	must(t, err)
	must(t, process.Kill())
	eventually(t, "the scheduler to die", gone(after[killed]))
	must(t, run("up", "--dir", dir).Err())
	if again := pids(t, dir); again[killed] == after[killed] || again["member1/kube-scheduler"] != after["member1/kube-scheduler"] {
		t.Errorf("after killing %s and up: %v, before %v", killed, again, after)
	} else {
		after = again
	}

	must(t, run("down", "--dir", dir).Err())
	for name, pid := range after {
		if alive(pid) {
			t.Errorf("%s (pid %d) survived down", name, pid)
		}
	}
	if _, err := os.Stat(dir); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("after down: %v, want the directory removed", err)
	}
	must(t, run("down", "--dir", dir).Err())
}

// TestDownSparesStrangers gives down a pid file whose pid now belongs to a
// process that the bed did not start.
func TestDownSparesStrangers(t *testing.T) {
	dir := t.TempDir()
	run := memberCommand(t)
	t.Cleanup(func() { run("down", "--dir", dir) })
	stranger := exec.Command("sleep", "600")
	must(t, stranger.Start())
	t.Cleanup(func() { _ = stranger.Process.Kill(); _ = stranger.Wait() })

	must(t, os.MkdirAll(filepath.Join(dir, "etcd"), 0o700))
	must(t, os.WriteFile(filepath.Join(dir, "bed.json"), []byte(`{"etcdPort":1,"etcdPeerPort":2}`), 0o600))
	must(t, os.WriteFile(filepath.Join(dir, "etcd", "etcd.pid"), fmt.Appendf(nil, "%d 1\n", stranger.Process.Pid), 0o600))
	must(t, run("down", "--dir", dir).Err())
	if !alive(stranger.Process.Pid) {
		t.Error("down killed a process that it did not start")
	}
}

// TestFailedStart starts a bed whose etcd cannot run.
func TestFailedStart(t *testing.T) {
	dir := t.TempDir()
	_, err := testbed.Start(t.Context(), testbed.Options{Dir: dir, Binary: "/bin/false"})
	if err == nil || !strings.Contains(err.Error(), "etcd has ended") {
		t.Fatalf("error %v, want it to say that etcd has ended", err)
	}
}

const orphanDir = "TESTBED_ORPHAN_DIR"

// startEtcdAndHang is the program that TestNothingSurvives kills.
func startEtcdAndHang(dir string) {
	etcd, err := testbed.StartEtcd(context.Background(), testbed.EtcdOptions{Dir: dir})
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	fmt.Println(etcd.PID())
	select {}
}

// TestNothingSurvives kills, with SIGKILL, a program that started an etcd.
func TestNothingSurvives(t *testing.T) {
	program := exec.Command(os.Args[0])
	program.Env = append(os.Environ(), orphanDir+"="+t.TempDir())
	program.Stderr = t.Output()
	stdout, err := program.StdoutPipe()
	must(t, err)
	must(t, program.Start())
	var pid int
	if _, err := fmt.Fscan(stdout, &pid); err != nil || !alive(pid) {
		t.Fatalf("etcd's pid: %d, %v", pid, err)
	}
	must(t, program.Process.Kill())
	_ = program.Wait()
	eventually(t, "etcd to die with the program that started it", gone(pid))
}

func memberCommand(t *testing.T) func(args ...string) testbed.Result {
	t.Helper()
	path, err := testbed.Binary("member")
	must(t, err)
	return func(args ...string) testbed.Result {
		// Not t.Context(): it has ended when cleanup calls down.
		return testbed.Tool{Path: path}.Run(context.Background(), args...)
	}
}

// pids returns the processes of a detached bed that run.
func pids(t *testing.T, dir string) map[string]int {
	t.Helper()
	bed, err := testbed.Open(testbed.Options{Dir: dir})
	must(t, err)
	running := map[string]int{"etcd": bed.Etcd.PID()}
	for _, m := range bed.Members {
		for _, p := range []*testbed.Process{m.APIServer, m.ControllerManager, m.Scheduler, m.KWOK} {
			running[m.Name+"/"+p.Name] = p.PID()
		}
	}
	for name, pid := range running {
		if pid == 0 {
			t.Errorf("%s does not run", name)
		}
	}
	return running
}
