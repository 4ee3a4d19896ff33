package extension

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"atoll.dev/atoll/e2e/testbed"
)

// buildOutside copies the example out of the repository, makes it a module as its
// README tells and returns the folder of the atolld that this gives.
func buildOutside(t *testing.T) (bin string) {
	t.Helper()
	root, err := testbed.Root()
	must(t, err)
	module, bin := t.TempDir(), t.TempDir()
	sources, err := filepath.Glob(filepath.Join(root, "examples", "scheduler-plugin", "*.go"))
	must(t, err)
	for _, file := range append(sources, filepath.Join(root, "go.mod"), filepath.Join(root, "go.sum")) {
		content, err := os.ReadFile(file)
		must(t, err)
		must(t, os.WriteFile(filepath.Join(module, filepath.Base(file)), content, 0o600))
	}
	for _, args := range [][]string{
		{"mod", "edit", "-module", "example.com/my-atolld", "-require", "atoll.dev/atoll@v0.0.0", "-replace", "atoll.dev/atoll=" + root},
		{"build", "-mod=mod", "-ldflags=-s -w", "-o", filepath.Join(bin, "atolld"), "."},
	} {
		command := exec.CommandContext(t.Context(), "go", args...)
		command.Dir = module
		if out, err := command.CombinedOutput(); err != nil {
			t.Fatalf("go %v: %v\n%s", args, err, out)
		}
	}
	return bin
}
