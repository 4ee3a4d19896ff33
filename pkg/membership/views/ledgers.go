package views

import (
	"context"
	"sync"

	"k8s.io/utils/clock"

	"atoll.dev/atoll/pkg/membership/capacity"
	"atoll.dev/atoll/pkg/membership/connection"
)

// Ledgers are the ledgers of members, each kept by whoever holds it. Safe for concurrent use.
type Ledgers struct {
	clock clock.Clock

	// mu guards kept; it is not held while watches start or end.
	mu   sync.Mutex
	kept map[*connection.Connection]*kept
}

type kept struct {
	ledger  *capacity.Ledger
	holders int
	cancel  context.CancelFunc
	ended   chan struct{}
}

// NewLedgers returns no ledgers yet. A nil clock is the machine's.
func NewLedgers(clk clock.Clock) *Ledgers {
	if clk == nil {
		clk = clock.RealClock{}
	}
	return &Ledgers{clock: clk, kept: map[*connection.Connection]*kept{}}
}

// Hold returns the ledger of the member at the other end of a connection and has it kept up to date
// until release is called by all who hold it; the last release waits until the watches have ended.
// Of ctx only the logger is used.
//
// All who share a ledger must have the connection from the same pool.
func (l *Ledgers) Hold(ctx context.Context, conn *connection.Connection) (ledger *capacity.Ledger, release func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	k := l.kept[conn]
	if k == nil {
		watchCtx, cancel := context.WithCancel(context.WithoutCancel(ctx))
		k = &kept{ledger: capacity.NewLedger(), cancel: cancel, ended: make(chan struct{})}
		l.kept[conn] = k
		go func() {
			defer close(k.ended)
			k.ledger.Watch(watchCtx, conn.Kube, l.clock)
		}()
	}
	k.holders++
	return k.ledger, sync.OnceFunc(func() { l.release(conn, k) })
}

func (l *Ledgers) release(conn *connection.Connection, k *kept) {
	l.mu.Lock()
	k.holders--
	last := k.holders == 0
	if last {
		delete(l.kept, conn)
	}
	l.mu.Unlock()
	if last {
		k.cancel()
		<-k.ended
	}
}
