package scheduler

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"atoll.dev/atoll/e2e/testbed"
)

// timeout bounds waits for what takes milliseconds when it works.
const timeout = 60 * time.Second

// fleet is set by TestMain and only read by tests.
var fleet struct {
	bed     *testbed.Bed
	atoll   *testbed.Atoll
	kubectl testbed.Tool
}

func TestMain(m *testing.M) {
	code, err := runWithFleet(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

func runWithFleet(m *testing.M) (code int, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	if err := testbed.Build(ctx, os.Stderr, "member"); err != nil {
		return 0, err
	}
	if fleet.bed, err = testbed.Start(ctx, testbed.Options{Members: 2, Progress: os.Stderr}); err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, fleet.bed.Stop()) }()
	if fleet.atoll, err = testbed.StartAtoll(ctx, testbed.AtollOptions{}); err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, fleet.atoll.Close()) }()
	if fleet.kubectl, err = testbed.Kubectl(fleet.atoll.Kubeconfig); err != nil {
		return 0, err
	}
	for _, member := range fleet.bed.Members {
		if err := fleet.atoll.CLI(ctx, "join", member.Name, "--cluster-kubeconfig", member.Kubeconfig).Err(); err != nil {
			return 0, err
		}
	}
	return m.Run(), nil
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// atoll runs the command line tool and wants its exit code.
func atoll(t *testing.T, code int, args ...string) testbed.Result {
	t.Helper()
	r := fleet.atoll.CLI(t.Context(), args...)
	if r.Code != code {
		t.Fatalf("%v: exit code %d, want %d\nstdout: %s\nstderr: %s", r.Command, r.Code, code, r.Stdout, r.Stderr)
	}
	return r
}

// contains fails the test unless all parts are in the text, in this order.
func contains(t *testing.T, text string, parts ...string) {
	t.Helper()
	rest := text
	for _, part := range parts {
		_, after, found := strings.Cut(rest, part)
		if !found {
			t.Fatalf("%q is missing, or out of order, in\n%s", part, text)
		}
		rest = after
	}
}

// file writes a manifest.
func file(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "manifest.yaml")
	must(t, os.WriteFile(path, []byte(text), 0o600))
	return path
}

// eventually waits until kubectl succeeds with these arguments and prints want.
func eventually(t *testing.T, want string, args ...string) {
	t.Helper()
	must(t, testbed.Eventually(t.Context(), timeout, strings.Join(args, " "), func(ctx context.Context) error {
		r := fleet.kubectl.Run(ctx, args...)
		if r.Code != 0 || !strings.Contains(r.Stdout, want) {
			return fmt.Errorf("%q is not in %s%s", want, r.Stdout, r.Stderr)
		}
		return nil
	}))
}
