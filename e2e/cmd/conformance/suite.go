package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"atoll.dev/atoll/e2e/testbed"
)

const karmada = "github.com/karmada-io/karmada"

// suite is Karmada's end-to-end suite as a test binary.
type suite struct {
	binary string
	// dir is the suite's own folder, where its files look for others.
	dir string
	// work holds reports, logs and what the suite is given.
	work string
}

func newSuite(ctx context.Context, work string) (*suite, error) {
	binary, err := testbed.Binary("karmada-e2e")
	if err != nil {
		return nil, err
	}
	module, err := testbed.ModuleDir(ctx, karmada)
	if err != nil {
		return nil, err
	}
	return &suite{binary: binary, dir: filepath.Join(module, "test", "e2e", "suites", "base"), work: work}, nil
}

// specs lists all specs without running any.
func (s *suite) specs(ctx context.Context) ([]spec, error) {
	report := filepath.Join(s.work, "specs.json")
	cmd := exec.CommandContext(ctx, s.binary, "--ginkgo.dry-run", "--ginkgo.succinct", "--ginkgo.json-report="+report)
	cmd.Dir = s.dir
	if out, err := cmd.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("listing the suite's specs: %w: %s", err, out)
	}
	return readReport(report)
}

// run runs the chosen specs, one by one, and returns what became of them. The
// suite's output goes to out.
func (s *suite) run(ctx context.Context, chosen []spec, kubeconfig string, pollTimeout time.Duration, out io.Writer) ([]spec, error) {
	gopath, err := s.gopath()
	if err != nil {
		return nil, err
	}
	report := filepath.Join(s.work, "report.json")
	if err := os.RemoveAll(report); err != nil {
		return nil, err
	}
	args := []string{
		"--ginkgo.no-color", "--ginkgo.show-node-events=false", "--ginkgo.timeout=3h", "--test.timeout=0",
		"--ginkgo.json-report=" + report, "--ginkgo.junit-report=" + filepath.Join(s.work, "junit.xml"),
		"--poll-interval=1s", "--poll-timeout=" + pollTimeout.String(),
	}
	for _, spec := range chosen {
		args = append(args, "--ginkgo.focus-file="+spec.focus())
	}
	cmd := exec.CommandContext(ctx, s.binary, args...)
	cmd.Dir = s.dir
	cmd.Env = append(os.Environ(), "KUBECONFIG="+kubeconfig, "GOPATH="+gopath)
	cmd.Stdout, cmd.Stderr = out, out
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = time.Minute // Ginkgo cleans up after the first interrupt
	runErr := cmd.Run()
	results, err := readReport(report)
	if err != nil {
		return nil, errors.Join(runErr, err)
	}
	var ran []spec
	for _, spec := range results {
		if spec.State != "skipped" {
			ran = append(ran, spec)
		}
	}
	return ran, nil
}

// gopath returns a folder with bin/karmadactl in it: the suite asks Go for its
// GOPATH and looks there, and the user's own is not ours to write to.
func (s *suite) gopath() (string, error) {
	karmadactl, err := testbed.Binary("karmadactl")
	if err != nil {
		return "", err
	}
	gopath := filepath.Join(s.work, "gopath")
	if err := os.MkdirAll(filepath.Join(gopath, "bin"), 0o755); err != nil {
		return "", err
	}
	link := filepath.Join(gopath, "bin", "karmadactl")
	if err := os.RemoveAll(link); err != nil {
		return "", err
	}
	return gopath, os.Symlink(karmadactl, link)
}

// summarize writes a line per spec and the reasons of failures, and returns an
// error when the run is not a pass of every chosen spec.
func summarize(out io.Writer, chosen, ran []spec) error {
	failed, passed := 0, 0
	for _, s := range ran {
		fmt.Fprintf(out, "%-8s %6.1fs  %s  %s\n", strings.ToUpper(s.State), time.Duration(s.RunTime).Seconds(), s.focus(), s.text())
		if s.failed() {
			failed++
			fmt.Fprintf(out, "         %s:%d: %s\n", filepath.Base(s.Failure.Location.FileName), s.Failure.Location.LineNumber,
				strings.ReplaceAll(strings.TrimSpace(s.Failure.Message), "\n", "\n         "))
		} else if s.State == "passed" {
			passed++
		}
	}
	fmt.Fprintf(out, "%d specs chosen, %d passed, %d failed\n", len(chosen), passed, failed)
	switch {
	case failed > 0:
		return fmt.Errorf("%d specs of Karmada's suite failed", failed)
	case passed < len(chosen):
		return fmt.Errorf("%d of %d chosen specs did not run", len(chosen)-passed, len(chosen))
	}
	return nil
}
