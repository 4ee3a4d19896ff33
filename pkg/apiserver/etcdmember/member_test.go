package etcdmember

import (
	"context"
	"path/filepath"
	"testing"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"
)

func start(t *testing.T, config Config) *Member {
	t.Helper()
	begin := time.Now()
	m, err := Start(t.Context(), config)
	if err != nil {
		t.Fatalf("Start: %v", err)
	}
	t.Logf("ready after %v", time.Since(begin))
	return m
}

func client(t *testing.T, m *Member) *clientv3.Client {
	t.Helper()
	c, err := clientv3.New(clientv3.Config{Endpoints: m.Endpoints(), DialTimeout: 5 * time.Second, Logger: zap.NewNop()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

func TestDataOutlivesRestart(t *testing.T) {
	config := Config{Dir: filepath.Join(t.TempDir(), "etcd")}
	m := start(t, config)
	c := client(t, m)
	if _, err := c.Put(t.Context(), "k", "v"); err != nil {
		t.Fatal(err)
	}
	// An open watch must not delay the stop.
	watching := c.Watch(t.Context(), "k", clientv3.WithCreatedNotify())
	<-watching
	begin := time.Now()
	if err := m.Stop(); err != nil {
		t.Fatalf("Stop: %v", err)
	}
	if took := time.Since(begin); took > 3*time.Second {
		t.Errorf("Stop took %v", took)
	} else {
		t.Logf("Stop took %v", took)
	}
	m = start(t, config)
	defer m.Stop()
	got, err := client(t, m).Get(context.Background(), "k")
	if err != nil {
		t.Fatal(err)
	}
	if len(got.Kvs) != 1 || string(got.Kvs[0].Value) != "v" {
		t.Errorf("after the restart k is %v, want v", got.Kvs)
	}
}
