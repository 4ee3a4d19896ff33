package capacity

// Source tells of the members' views.
type Source interface {
	// Subscribe has observe called with each new view of each member, and with nil when a
	// member's nodes are no longer known. Calls for one member come one at a time and in order;
	// those for different members may overlap. It is called before the source starts, and
	// observe must return soon.
	Subscribe(observe func(cluster string, v *View))
}
