package testbed

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
)

// kubernetesVersion is what members report; it follows go.mod.
const kubernetesVersion = "v1.35.4"

// target is a program that tests run, and where it is built from.
type target struct {
	name string
	// module is the module's folder below the repository, pkg the package in it.
	module, pkg string
	// command is what go is told to do; flags follow its -o.
	command []string
	flags   []string
}

var targets = []target{
	{name: "member", module: "e2e", pkg: "./cmd/member", command: []string{"build"}, flags: []string{"-ldflags=" +
		"-s -w -X k8s.io/component-base/version.gitVersion=" + kubernetesVersion +
		" -X k8s.io/component-base/version.gitMajor=1 -X k8s.io/component-base/version.gitMinor=35" +
		" -X k8s.io/client-go/pkg/version.gitVersion=" + kubernetesVersion}},
	{name: "karmadactl", module: "e2e/conformance", pkg: "github.com/karmada-io/karmada/cmd/karmadactl",
		command: []string{"build"}, flags: []string{"-ldflags=-s -w -X github.com/karmada-io/karmada/pkg/version.gitVersion=v1.18.1"}},
	{name: "karmada-e2e", module: "e2e/conformance", pkg: "github.com/karmada-io/karmada/test/e2e/suites/base",
		command: []string{"test", "-c"}, flags: []string{"-ldflags=-s -w"}},
}

// Targets returns the names that Build accepts.
func Targets() []string {
	names := make([]string, 0, len(targets))
	for _, t := range targets {
		names = append(names, t.name)
	}
	return names
}

// Build builds programs of the test bed into bin/ of the repository. It is
// quick when nothing changed. The compiler's messages go to progress.
func Build(ctx context.Context, progress io.Writer, names ...string) error {
	root, err := Root()
	if err != nil {
		return err
	}
	for _, name := range names {
		i := slices.IndexFunc(targets, func(t target) bool { return t.name == name })
		if i < 0 {
			return fmt.Errorf("no program %q to build: there are %v", name, Targets())
		}
		t := targets[i]
		args := slices.Concat(t.command, []string{"-o", filepath.Join(root, "bin", t.name)}, t.flags, []string{t.pkg})
		cmd := exec.CommandContext(ctx, "go", args...)
		cmd.Dir = filepath.Join(root, t.module)
		cmd.Stdout, cmd.Stderr = progress, progress
		if err := cmd.Run(); err != nil {
			return fmt.Errorf("building %s: %w", name, err)
		}
	}
	return nil
}

// ModuleDir returns where Go keeps the sources of a module that the conformance
// suite depends on.
func ModuleDir(ctx context.Context, module string) (string, error) {
	root, err := Root()
	if err != nil {
		return "", err
	}
	cmd := exec.CommandContext(ctx, "go", "list", "-m", "-f", "{{.Dir}}", module)
	cmd.Dir = filepath.Join(root, "e2e", "conformance")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("finding module %s: %w: %s", module, err, bytes.TrimSpace(stderr.Bytes()))
	}
	return string(bytes.TrimSpace(out)), nil
}

// Binary returns the path of a program in bin/ of the repository, or in
// $ATOLL_BIN_DIR when that is set.
func Binary(name string) (string, error) {
	dir := os.Getenv("ATOLL_BIN_DIR")
	if dir == "" {
		root, err := Root()
		if err != nil {
			return "", err
		}
		dir = filepath.Join(root, "bin")
	}
	path := filepath.Join(dir, name)
	if !exists(path) {
		return "", fmt.Errorf("%s is missing: build it with make build or set ATOLL_BIN_DIR", path)
	}
	return path, nil
}

// Root returns the folder of the repository around the working directory.
func Root() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for ; ; dir = filepath.Dir(dir) {
		if exists(filepath.Join(dir, "e2e", "go.mod")) {
			return dir, nil
		}
		if dir == filepath.Dir(dir) {
			return "", errors.New("the working directory is not inside the repository of atoll.dev/atoll")
		}
	}
}
