package framework

// DependentPlugin is of no use without others.
type DependentPlugin interface {
	Plugin
	// Needs returns the names of the plugins that must run beside this one. A
	// configuration in which one of them does not is refused.
	Needs() []string
}
