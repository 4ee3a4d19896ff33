package remote

import (
	"fmt"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"k8s.io/utils/clock"
)

// connections are kept by the names of members.
type connections struct {
	transport credentials.TransportCredentials
	clock     clock.PassiveClock
	backoff   time.Duration
	most      int

	mu        sync.Mutex
	byCluster map[string]*connection
	closed    bool
}

// connection is the one to a member's estimator. Its fields but grpc are guarded by connections.mu.
type connection struct {
	grpc    *grpc.ClientConn
	address string
	used    time.Time
	// failure is why it was left out last, empty if it answered last; until is when it is asked again.
	failure string
	until   time.Time
}

// to returns the connection to a member's estimator. It does not wait for it to be
// established. If the estimator is left out for now, it says why.
func (c *connections) to(cluster, address string) (*connection, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return nil, fmt.Errorf("the scheduler is stopping")
	}
	now := c.clock.Now()
	conn := c.byCluster[cluster]
	if conn != nil && conn.address != address {
		c.drop(cluster)
		conn = nil
	}
	if conn == nil {
		if len(c.byCluster) >= c.most {
			c.drop(c.oldest())
		}
		client, err := grpc.NewClient("dns:///"+address, grpc.WithTransportCredentials(c.transport),
			grpc.WithDefaultCallOptions(grpc.ForceCodec(verbatim{})))
		if err != nil {
			return nil, fmt.Errorf("connecting to %s: %w", address, err)
		}
		conn = &connection{grpc: client, address: address}
		c.byCluster[cluster] = conn
	}
	conn.used = now
	if conn.failure != "" {
		if now.Before(conn.until) {
			return nil, fmt.Errorf("%s, asked again after %s", conn.failure, conn.until.UTC().Format(time.TimeOnly))
		}
		conn.until = now.Add(c.backoff) // whoever comes next need not wait for the same
	}
	return conn, nil
}

// report takes in how a call went, and tells whether that is news.
func (c *connections) report(conn *connection, failure string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	news := (conn.failure == "") != (failure == "")
	conn.failure = failure
	if failure != "" {
		conn.until = c.clock.Now().Add(c.backoff)
	}
	return news
}

// forget closes the connection to a member that has no estimator any more, and tells whether there was one.
func (c *connections) forget(cluster string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	_, ok := c.byCluster[cluster]
	if ok {
		c.drop(cluster)
	}
	return ok
}

// drop closes a connection. mu is held.
func (c *connections) drop(cluster string) {
	_ = c.byCluster[cluster].grpc.Close() // it fails only if closed before
	delete(c.byCluster, cluster)
}

// oldest returns the member whose estimator was not asked for longest. mu is held.
func (c *connections) oldest() string {
	var oldest string
	for cluster, conn := range c.byCluster {
		if oldest == "" || conn.used.Before(c.byCluster[oldest].used) {
			oldest = cluster
		}
	}
	return oldest
}

func (c *connections) close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closed = true
	for cluster := range c.byCluster {
		c.drop(cluster)
	}
}

func (c *connections) count() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.byCluster)
}
