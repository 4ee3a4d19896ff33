package estimator

// Fork returns estimates over the claims as they are now, to which claims can be added
// that m does not see, and that does not see what is claimed of m from now on.
func (m *Members) Fork() *Members {
	fork := &Members{}
	m.books.Range(func(name, value any) bool {
		from, to := value.(*book), &book{}
		from.mu.Lock()
		defer from.mu.Unlock()
		for _, c := range from.claims {
			to.add(&Claim{book: to, ask: c.ask, times: c.times, pods: c.pods})
		}
		fork.books.Store(name, to)
		return true
	})
	return fork
}
