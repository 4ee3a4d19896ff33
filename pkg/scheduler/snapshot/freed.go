package snapshot

// Freed takes in that something else than its member left more room in a cluster: it is
// news for whoever waits for room, like a cluster that reports more. A cluster that is
// not there changes nothing.
func (s *Store) Freed(name string) Event {
	s.mu.Lock()
	defer s.mu.Unlock()
	i, found := find(s.clusters, name)
	if !found {
		return Event{}
	}
	e := Event{Before: s.clusters[i], After: s.clusters[i], Change: MoreRoom}
	s.changed(e)
	return e
}
