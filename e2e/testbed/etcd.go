package testbed

import (
	"context"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"time"
)

// EtcdOptions say which etcd to start.
type EtcdOptions struct {
	// Dir holds its data, log, pid file and certificates. It is made if missing.
	Dir string
	// TLS makes it serve TLS and ask clients for a certificate.
	TLS bool
	// Durable makes it sync its data to disk. The default does not: a bed need
	// not survive the loss of its machine.
	Durable bool
	// Binary is the member binary; "" means bin/member of this repository.
	Binary string

	port, peerPort int      // 0: any free one
	spawner        *spawner // nil unless part of a bed that dies with its program
	detached       bool
}

// Etcd is a single-member etcd on loopback.
type Etcd struct {
	*Process
	// Endpoint is its client URL.
	Endpoint string
	// CAFile, CertFile and KeyFile are what a client needs; "" without TLS.
	CAFile, CertFile, KeyFile string

	own *spawner // to be closed on Close; nil when part of a bed
}

// StartEtcd starts an etcd that dies with this program and waits until it
// serves.
func StartEtcd(ctx context.Context, o EtcdOptions) (*Etcd, error) {
	e, err := newEtcd(o)
	if err != nil {
		return nil, err
	}
	if err = e.Start(); err == nil {
		err = e.awaitReady(ctx)
	}
	if err != nil {
		return nil, errors.Join(err, e.Close())
	}
	return e, nil
}

func newEtcd(o EtcdOptions) (*Etcd, error) {
	if err := os.MkdirAll(o.Dir, 0o700); err != nil {
		return nil, err
	}
	var err error
	if o.Binary == "" {
		if o.Binary, err = Binary("member"); err != nil {
			return nil, err
		}
	}
	for _, port := range []*int{&o.port, &o.peerPort} {
		if *port == 0 {
			if *port, err = FreePort(); err != nil {
				return nil, err
			}
		}
	}
	e := &Etcd{}
	scheme := "http"
	var tlsFlags []string
	if o.TLS {
		scheme = "https"
		ca, err := ensureAuthority(filepath.Join(o.Dir, "ca"), "etcd-ca")
		if err != nil {
			return nil, err
		}
		serverCert, serverKey, err := ca.ensureLeaf(filepath.Join(o.Dir, "server"), pkix.Name{CommonName: "etcd"}, "127.0.0.1", "localhost")
		if err != nil {
			return nil, err
		}
		e.CAFile = ca.certFile
		if e.CertFile, e.KeyFile, err = ca.ensureLeaf(filepath.Join(o.Dir, "client"), pkix.Name{CommonName: "client"}); err != nil {
			return nil, err
		}
		tlsFlags = []string{"--cert-file=" + serverCert, "--key-file=" + serverKey, "--trusted-ca-file=" + ca.certFile, "--client-cert-auth"}
	}
	e.Endpoint = fmt.Sprintf("%s://127.0.0.1:%d", scheme, o.port)
	peer := fmt.Sprintf("http://127.0.0.1:%d", o.peerPort)
	if o.spawner == nil && !o.detached {
		e.own = newSpawner()
		o.spawner = e.own
	}
	command := []string{o.Binary, "etcd",
		"--name=bed", "--data-dir=" + filepath.Join(o.Dir, "data"),
		"--listen-client-urls=" + e.Endpoint, "--advertise-client-urls=" + e.Endpoint,
		"--listen-peer-urls=" + peer, "--initial-advertise-peer-urls=" + peer, "--initial-cluster=bed=" + peer,
		"--log-level=warn", "--quota-backend-bytes=" + strconv.Itoa(4<<30),
	}
	if !o.Durable {
		command = append(command, "--unsafe-no-fsync")
	}
	e.Process = &Process{
		Name: "etcd", Log: filepath.Join(o.Dir, "etcd.log"),
		command: append(command, tlsFlags...), pidFile: filepath.Join(o.Dir, "etcd.pid"), spawner: o.spawner,
	}
	return e, nil
}

// awaitReady waits until the client port accepts connections: etcd opens it
// once it has a leader.
func (e *Etcd) awaitReady(ctx context.Context) error {
	endpoint, err := url.Parse(e.Endpoint)
	if err != nil {
		return err
	}
	return awaitServing(ctx, 30*time.Second, "etcd", func(context.Context) error {
		conn, err := net.DialTimeout("tcp", endpoint.Host, time.Second)
		if err != nil {
			return err
		}
		return conn.Close()
	}, e.Process)
}

func (e *Etcd) dir() string { return filepath.Dir(e.Log) }

// Close kills it.
func (e *Etcd) Close() error {
	err := e.Kill()
	if e.own != nil {
		e.own.close()
	}
	return err
}
