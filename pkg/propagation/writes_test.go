package propagation_test

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"time"
)

// counter counts writes to an API server by "VERB resource".
type counter struct {
	mu    sync.Mutex
	count map[string]int
	// deleted are the paths of what was deleted, in order.
	deleted []string
}

func (c *counter) add(r *http.Request) {
	if r.Method == http.MethodGet || r.Method == http.MethodHead {
		return
	}
	parts := strings.Split(strings.Trim(r.URL.Path, "/"), "/")
	if parts[0] == "apis" {
		parts = parts[min(3, len(parts)):]
	} else {
		parts = parts[min(2, len(parts)):]
	}
	if len(parts) > 2 && parts[0] == "namespaces" {
		parts = parts[2:]
	}
	what := parts[0]
	if len(parts) > 2 {
		what += "/" + parts[2]
	}
	if os.Getenv("TRACE") != "" && r.Body != nil {
		raw, _ := io.ReadAll(r.Body)
		r.Body = io.NopCloser(bytes.NewReader(raw))
		if what != "events" && what != "leases" {
			fmt.Fprintf(os.Stderr, "%s %s %s %.1500s\n", time.Now().Format("05.000"), r.Method, r.URL.Path, raw)
		}
	}
	if what == "events" || what == "leases" || strings.HasPrefix(what, "selfsubject") {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.count[r.Method+" "+what]++
	if r.Method == http.MethodDelete {
		c.deleted = append(c.deleted, r.URL.Path)
	}
}

func (c *counter) deletions() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.deleted)
}

func (c *counter) reset() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.count = map[string]int{}
}

func (c *counter) all() (map[string]int, int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	out, sum := map[string]int{}, 0
	for k, n := range c.count {
		out[k] = n
		sum += n
	}
	return out, sum
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }
