package status

import (
	"context"
	"net/http"
	"time"

	"k8s.io/client-go/rest"
)

// probeTimeout bounds one probe; a member that takes longer counts as unreachable.
const probeTimeout = 10 * time.Second

// probe asks the member whether it is ready: /readyz, or /healthz where that is not served.
func probe(ctx context.Context, c rest.Interface) health {
	ctx, cancel := context.WithTimeout(ctx, probeTimeout)
	defer cancel()
	code := ask(ctx, c, "/readyz")
	if code == http.StatusNotFound {
		code = ask(ctx, c, "/healthz")
	}
	switch code {
	case 0:
		return unreachable
	case http.StatusOK:
		return healthy
	case http.StatusUnauthorized:
		return denied
	default:
		return unhealthy
	}
}

// ask returns the HTTP status of a GET, or 0 if there was no answer.
func ask(ctx context.Context, c rest.Interface, path string) int {
	code := 0
	c.Get().AbsPath(path).MaxRetries(0).Do(ctx).StatusCode(&code)
	return code
}
