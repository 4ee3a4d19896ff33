package atolld

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"atoll.dev/atoll/pkg/housekeeping"
	"atoll.dev/atoll/pkg/scheduler/plugins"
	"atoll.dev/atoll/pkg/serverconfig"
)

// configured gives a command the flags of all roles and runs it with the
// configuration that defaults, file and flags add up to.
func (prog *program) configured(c *cobra.Command, run func(context.Context, *serverconfig.ServerConfiguration) error) *cobra.Command {
	flags := serverconfig.AddFlags(c.Flags())
	c.Args = func(c *cobra.Command, args []string) error {
		if len(args) > 0 {
			return fmt.Errorf("unexpected argument %q: %s takes flags only, see %s --help", args[0], c.CommandPath(), c.CommandPath())
		}
		return nil
	}
	c.RunE = func(c *cobra.Command, _ []string) error {
		configuration, err := flags.Configuration()
		if err != nil {
			return err
		}
		if err := prog.validate(configuration); err != nil {
			return err
		}
		return run(withLogger(c.Context(), configuration.Logging, os.Stderr), configuration)
	}
	return c
}

// validate checks a valid configuration against what is compiled in, before anything is started or made.
func (prog *program) validate(c *serverconfig.ServerConfiguration) error {
	if err := plugins.Validate(c.Scheduler.Plugins, prog.schedulerPlugins, plugins.Path).ToAggregate(); err != nil {
		return fmt.Errorf("invalid configuration: %w", err)
	}
	return nil
}

// pkiFile is where the API server leaves what other roles on its host need.
func pkiFile(dataDir, name string) string { return filepath.Join(dataDir, "pki", name) }

// keysIn returns those signing keys that are there; loops without keys do not run.
func keysIn(dataDir string) housekeeping.Options {
	there := func(name string) string {
		path := pkiFile(dataDir, name)
		if _, err := os.Stat(path); err != nil {
			return ""
		}
		return path
	}
	return housekeeping.Options{
		ServiceAccountSigningKey: there("sa.key"),
		CA:                       there("ca.crt"),
		ClientCACert:             there("ca.crt"),
		ClientCAKey:              there("ca.key"),
	}
}
