package etcdmember

import (
	"context"
	"fmt"
	"os"
	"testing"

	clientv3 "go.etcd.io/etcd/client/v3"
)

// writerDirectory set, the test binary is a server to be killed: it starts a
// member there and writes keys 0, 1, 2… from firstVariable on, printing each one
// that was acknowledged.
const (
	writerDirectory = "ETCDMEMBER_TEST_WRITER"
	firstVariable   = "ETCDMEMBER_TEST_FIRST"
)

func TestMain(m *testing.M) {
	dir := os.Getenv(writerDirectory)
	if dir == "" {
		os.Exit(m.Run())
	}
	if err := writeUntilKilled(context.Background(), dir); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func writeUntilKilled(ctx context.Context, dir string) error {
	m, err := Start(ctx, Config{Dir: dir, SnapshotCount: 50}) // so that snapshots are cut through too
	if err != nil {
		return err
	}
	c, err := clientv3.New(clientv3.Config{Endpoints: m.Endpoints()})
	if err != nil {
		return err
	}
	var i int
	fmt.Sscan(os.Getenv(firstVariable), &i)
	for ; ; i++ {
		if _, err := c.Put(ctx, fmt.Sprintf("k/%06d", i), fmt.Sprint(i)); err != nil {
			return err
		}
		fmt.Println(i)
	}
}
