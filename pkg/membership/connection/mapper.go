package connection

import (
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/discovery/cached/memory"
	"k8s.io/client-go/restmapper"
	"k8s.io/utils/clock"
)

// lookAgainAfter bounds how often an unknown kind makes the mapper discover the member anew: kinds
// that a member simply lacks are asked for again and again.
const lookAgainAfter = time.Second

// mapper is client-go's deferred mapper, which keeps what it once discovered for ever, made to look
// again for what it does not know.
type mapper struct {
	meta.ResettableRESTMapper
	clock clock.PassiveClock

	mu       sync.Mutex
	lookedAt time.Time
}

func newMapper(d discovery.DiscoveryInterface, clk clock.PassiveClock) *mapper {
	return &mapper{ResettableRESTMapper: restmapper.NewDeferredDiscoveryRESTMapper(memory.NewMemCacheClient(d)), clock: clk}
}

// lookAgain forgets what was discovered and tells whether the caller should ask once more.
func (m *mapper) lookAgain(err error) bool {
	if !meta.IsNoMatchError(err) {
		return false
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if now := m.clock.Now(); now.Sub(m.lookedAt) >= lookAgainAfter {
		m.lookedAt = now
		m.ResettableRESTMapper.Reset()
		return true
	}
	return false
}

func again[T any](m *mapper, ask func() (T, error)) (T, error) {
	out, err := ask()
	if err != nil && m.lookAgain(err) {
		return ask()
	}
	return out, err
}

func (m *mapper) KindFor(r schema.GroupVersionResource) (schema.GroupVersionKind, error) {
	return again(m, func() (schema.GroupVersionKind, error) { return m.ResettableRESTMapper.KindFor(r) })
}

func (m *mapper) KindsFor(r schema.GroupVersionResource) ([]schema.GroupVersionKind, error) {
	return again(m, func() ([]schema.GroupVersionKind, error) { return m.ResettableRESTMapper.KindsFor(r) })
}

func (m *mapper) ResourceFor(r schema.GroupVersionResource) (schema.GroupVersionResource, error) {
	return again(m, func() (schema.GroupVersionResource, error) { return m.ResettableRESTMapper.ResourceFor(r) })
}

func (m *mapper) ResourcesFor(r schema.GroupVersionResource) ([]schema.GroupVersionResource, error) {
	return again(m, func() ([]schema.GroupVersionResource, error) { return m.ResettableRESTMapper.ResourcesFor(r) })
}

func (m *mapper) RESTMapping(gk schema.GroupKind, versions ...string) (*meta.RESTMapping, error) {
	return again(m, func() (*meta.RESTMapping, error) { return m.ResettableRESTMapper.RESTMapping(gk, versions...) })
}

func (m *mapper) RESTMappings(gk schema.GroupKind, versions ...string) ([]*meta.RESTMapping, error) {
	return again(m, func() ([]*meta.RESTMapping, error) { return m.ResettableRESTMapper.RESTMappings(gk, versions...) })
}
