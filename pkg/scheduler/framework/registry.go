package framework

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
)

// Factory makes a plugin at the start of the scheduler. args is what the
// configuration gives this plugin as JSON, nil if nothing: DecodeArgs reads it. An
// error stops the start; it says which argument is wrong and what would be right.
// ctx ends with the scheduler, and carries its logger.
type Factory func(ctx context.Context, args json.RawMessage, h Handle) (Plugin, error)

// Registry holds the plugins that are compiled in, by name.
type Registry map[string]Factory

// pluginName keeps names fit for paths of fields, reasons and metrics.
var pluginName = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9]*([./-][A-Za-z0-9]+)*$`)

// Register adds a plugin. It refuses a name that is taken or malformed.
func (r Registry) Register(name string, factory Factory) error {
	if !pluginName.MatchString(name) {
		return fmt.Errorf("scheduler plugin %q: the name must begin with a letter and hold letters, digits and single \".\", \"/\" or \"-\" between them, such as MaintenanceWindow or example.com/cost", name)
	}
	if factory == nil {
		return fmt.Errorf("scheduler plugin %q: has no factory: give the function that makes it", name)
	}
	if _, taken := r[name]; taken {
		return fmt.Errorf("scheduler plugin %q: another plugin has this name: give each its own", name)
	}
	r[name] = factory
	return nil
}

// Names returns the names of all plugins, sorted.
func (r Registry) Names() []string { return slices.Sorted(maps.Keys(r)) }
