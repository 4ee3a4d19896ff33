package testbed

import (
	"fmt"
	"math/rand/v2"
	"net"
	"strconv"
)

// Ports of a bed lie below the range from which the kernel takes the local
// ports of outgoing connections, so that a server that is down for a while
// finds its port free when it comes back.
const (
	firstPort = 12000
	lastPort  = 30000
)

// FreePort returns a TCP port of loopback on which nothing listens.
func FreePort() (int, error) {
	for range 100 {
		port := firstPort + rand.IntN(lastPort-firstPort)
		listener, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
		if err == nil {
			return port, listener.Close()
		}
	}
	return 0, fmt.Errorf("no free port between %d and %d on 127.0.0.1 in 100 tries", firstPort, lastPort)
}
