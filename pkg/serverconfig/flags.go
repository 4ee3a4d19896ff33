package serverconfig

import (
	"fmt"

	"github.com/spf13/pflag"
)

// Flags are those of atolld's roles. A flag that is given overrides the file.
type Flags struct {
	set    *pflag.FlagSet
	config string
	given  ServerConfiguration
}

// AddFlags adds the flags to fs; parse fs, then ask for the Configuration.
func AddFlags(fs *pflag.FlagSet) *Flags {
	f := &Flags{set: fs, given: *Default()}
	g := &f.given
	fs.StringVar(&f.config, "config", "", "Configuration file (kind ServerConfiguration) for everything; flags override it.")
	fs.StringVar(&g.DataDir, "data-dir", g.DataDir, "Directory of all that outlives a restart: etcd, keys and certificates, admin.kubeconfig.")
	fs.StringVar(&g.BindAddress, "bind-address", g.BindAddress, "IP address to serve on; 0.0.0.0 for all.")
	fs.IntVar(&g.SecurePort, "secure-port", g.SecurePort, "Port to serve on.")
	fs.StringSliceVar(&g.TLSSANs, "tls-san", nil, "Further DNS names and IP addresses for the serving certificate.")
	fs.StringSliceVar(&g.Etcd.Servers, "etcd-servers", nil, "URLs of an external etcd; without, etcd runs inside this process.")
	fs.StringVar(&g.Etcd.CAFile, "etcd-cafile", "", "Authority of the external etcd's certificate.")
	fs.StringVar(&g.Etcd.CertFile, "etcd-certfile", "", "Client certificate for the external etcd.")
	fs.StringVar(&g.Etcd.KeyFile, "etcd-keyfile", "", "Key of the client certificate for the external etcd.")
	fs.IntVarP(&g.Logging.Level, "v", "v", g.Logging.Level, "Verbosity of the log, 0 to 10.")
	fs.StringVar((*string)(&g.Logging.Format), "log-format", string(g.Logging.Format), "Format of the log: text or json.")
	return f
}

// Configuration returns the valid configuration that defaults, file and flags
// add up to. The error names every field that is wrong.
func (f *Flags) Configuration() (*ServerConfiguration, error) {
	c := Default()
	if f.config != "" {
		var err error
		if c, err = Load(f.config); err != nil {
			return nil, err
		}
	}
	g := &f.given
	override(f.set, "data-dir", &c.DataDir, g.DataDir)
	override(f.set, "bind-address", &c.BindAddress, g.BindAddress)
	override(f.set, "secure-port", &c.SecurePort, g.SecurePort)
	override(f.set, "tls-san", &c.TLSSANs, g.TLSSANs)
	override(f.set, "etcd-servers", &c.Etcd.Servers, g.Etcd.Servers)
	override(f.set, "etcd-cafile", &c.Etcd.CAFile, g.Etcd.CAFile)
	override(f.set, "etcd-certfile", &c.Etcd.CertFile, g.Etcd.CertFile)
	override(f.set, "etcd-keyfile", &c.Etcd.KeyFile, g.Etcd.KeyFile)
	override(f.set, "v", &c.Logging.Level, g.Logging.Level)
	override(f.set, "log-format", &c.Logging.Format, g.Logging.Format)
	if err := c.Validate().ToAggregate(); err != nil {
		return nil, fmt.Errorf("invalid configuration: %w", err)
	}
	return c, nil
}

func override[T any](fs *pflag.FlagSet, name string, field *T, value T) {
	if fs.Changed(name) {
		*field = value
	}
}
