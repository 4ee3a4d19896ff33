// Package config is the scheduler's part of atolld's configuration file: the
// section "scheduler" of kind ServerConfiguration, which package serverconfig
// reads, defaults and validates with the rest. What a plugin is configured with
// passes through as it was written, for the plugin alone to read. Validate needs
// the names of the plugins that are compiled in, which only the command knows.
package config
