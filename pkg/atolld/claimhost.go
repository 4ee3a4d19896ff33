package atolld

import (
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
	"syscall"

	"atoll.dev/atoll/pkg/apiserver/datadir"
	"atoll.dev/atoll/pkg/serverconfig"
	"atoll.dev/atoll/pkg/version"
)

// claimHost takes what only one process can have: the port and the data directory.
// The port comes first, so that a taken one leaves no new data directory behind; but
// of two processes on one directory the second is told that, not that its port is taken.
func claimHost(c *serverconfig.ServerConfiguration) (net.Listener, *datadir.Dir, error) {
	options := datadir.Options{Version: version.Get().Version}
	listener, portErr := listen(c.BindAddress, c.SecurePort)
	if portErr != nil {
		if !datadir.Exists(c.DataDir) {
			return nil, nil, portErr
		}
		dir, err := datadir.Open(c.DataDir, options)
		if err != nil {
			return nil, nil, err
		}
		return nil, nil, errors.Join(portErr, dir.Close())
	}
	dir, err := datadir.Open(c.DataDir, options)
	if err != nil {
		return nil, nil, errors.Join(err, listener.Close())
	}
	return listener, dir, nil
}

// listen explains the usual failures.
func listen(address string, port int) (net.Listener, error) {
	listener, err := net.Listen("tcp", net.JoinHostPort(address, strconv.Itoa(port)))
	switch {
	case err == nil:
		return listener, nil
	case errors.Is(err, syscall.EADDRINUSE):
		return nil, fmt.Errorf("port %d of %s is in use by another process: stop that one, or choose another port with --secure-port", port, address)
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		return nil, fmt.Errorf("%s is not an address of this host: choose one with --bind-address (0.0.0.0 for all)", address)
	case errors.Is(err, os.ErrPermission):
		return nil, fmt.Errorf("port %d of %s may not be used by this user: choose one above 1023 with --secure-port", port, address)
	default:
		return nil, fmt.Errorf("cannot listen on %s, port %d: %w", address, port, err)
	}
}
