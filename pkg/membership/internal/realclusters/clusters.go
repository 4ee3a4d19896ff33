package realclusters

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
)

// Environment variables that point tests at what exists already.
const (
	// BinaryVariable names the member binary; by default bin/member at the module's root.
	BinaryVariable = "ATOLL_MEMBER_BINARY"
	// DirVariable names the directory of members that run already: tests then start and stop none.
	DirVariable = "ATOLL_MEMBER_DIR"
)

// Count is how many clusters Start gives: the last one stands in for the control plane.
const Count = 3

// Clusters are running clusters.
type Clusters struct {
	dir, binary string
	borrowed    bool
}

// Binary returns the member binary, and false if it was not built.
func Binary() (string, bool) {
	if b := os.Getenv(BinaryVariable); b != "" {
		return b, true
	}
	dir, err := os.Getwd()
	if err != nil {
		return "", false
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			b := filepath.Join(dir, "bin", "member")
			_, err := os.Stat(b)
			return b, err == nil
		}
		if dir == filepath.Dir(dir) {
			return "", false
		}
		dir = filepath.Dir(dir)
	}
}

// Start starts clusters in dir, or takes those of DirVariable.
func Start(ctx context.Context, dir string) (*Clusters, error) {
	if existing := os.Getenv(DirVariable); existing != "" {
		return &Clusters{dir: existing, borrowed: true}, nil
	}
	binary, ok := Binary()
	if !ok {
		return nil, fmt.Errorf("the member binary is missing; build it or name it in %s", BinaryVariable)
	}
	c := &Clusters{dir: dir, binary: binary}
	out, err := exec.CommandContext(ctx, binary, "up", "--dir", dir, "--count", fmt.Sprint(Count)).CombinedOutput()
	if err != nil {
		c.Stop()
		return nil, fmt.Errorf("starting members: %w\n%s", err, out)
	}
	return c, nil
}

// Stop stops what Start started.
func (c *Clusters) Stop() {
	if c.borrowed {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	_ = exec.CommandContext(ctx, c.binary, "down", "--dir", c.dir).Run() // what is left, the test's temporary directory shows
}

// Kubeconfig returns the administrator's kubeconfig of a cluster, counted from 1.
func (c *Clusters) Kubeconfig(n int) string {
	return filepath.Join(c.dir, fmt.Sprintf("member%d.kubeconfig", n))
}

// Config returns the administrator's configuration of a cluster, counted from 1.
func (c *Clusters) Config(n int) (*rest.Config, error) {
	config, err := clientcmd.BuildConfigFromFlags("", c.Kubeconfig(n))
	if err != nil {
		return nil, err
	}
	config.QPS = -1
	return config, nil
}

// Kube returns the administrator's client of a cluster, counted from 1.
func (c *Clusters) Kube(n int) (kubernetes.Interface, error) {
	config, err := c.Config(n)
	if err != nil {
		return nil, err
	}
	return kubernetes.NewForConfig(config)
}
