package membership_test

import (
	"net"
	"net/url"
	"sync"
	"testing"

	"k8s.io/client-go/rest"
)

// link is a TCP proxy before a member's API server, so that a test can take the network away.
type link struct {
	listener net.Listener
	target   string

	mu    sync.Mutex
	mode  linkMode
	conns map[net.Conn]bool
	freed chan struct{} // closed when a hang ends
}

type linkMode int

const (
	// passes lets everything through.
	passes linkMode = iota
	// refuses closes connections, old and new.
	refuses
	// hangs accepts connections and forwards nothing on any of them.
	hangs
)

// linkTo puts a link before a member and returns it with the member's configuration through it.
func linkTo(t *testing.T, member *rest.Config) (*link, *rest.Config) {
	t.Helper()
	u, err := url.Parse(member.Host)
	must(t, err)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	l := &link{listener: listener, target: u.Host, conns: map[net.Conn]bool{}, freed: make(chan struct{})}
	t.Cleanup(func() {
		listener.Close()
		l.set(refuses)
	})
	go l.accept()
	through := rest.CopyConfig(member)
	through.Host = "https://" + listener.Addr().String()
	return l, through
}

func (l *link) accept() {
	for {
		c, err := l.listener.Accept()
		if err != nil {
			return
		}
		go l.serve(c)
	}
}

func (l *link) set(mode linkMode) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.mode == hangs && mode != hangs {
		close(l.freed)
		l.freed = make(chan struct{})
	}
	l.mode = mode
	if mode == refuses {
		for c := range l.conns {
			c.Close()
		}
	}
}

func (l *link) state() (linkMode, chan struct{}) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.mode, l.freed
}

func (l *link) serve(c net.Conn) {
	defer c.Close()
	if mode, freed := l.state(); mode == refuses {
		return
	} else if mode == hangs {
		<-freed
	}
	up, err := net.Dial("tcp", l.target)
	if err != nil {
		return
	}
	defer up.Close()
	l.mu.Lock()
	l.conns[c], l.conns[up] = true, true
	l.mu.Unlock()
	defer func() {
		l.mu.Lock()
		delete(l.conns, c)
		delete(l.conns, up)
		l.mu.Unlock()
	}()
	done := make(chan struct{}, 2)
	pipe := func(to, from net.Conn) {
		defer func() { done <- struct{}{} }()
		buf := make([]byte, 32<<10)
		for {
			n, err := from.Read(buf)
			if mode, freed := l.state(); mode == hangs {
				<-freed
			}
			if n > 0 {
				if _, err := to.Write(buf[:n]); err != nil {
					return
				}
			}
			if err != nil {
				return
			}
		}
	}
	go pipe(up, c)
	go pipe(c, up)
	<-done
}

// open counts the connections that clients hold.
func (l *link) open() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.conns) / 2
}
