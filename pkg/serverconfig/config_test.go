package serverconfig

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/pflag"
)

func write(t *testing.T, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "config.yaml")
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

const head = "apiVersion: config.atoll.dev/v1alpha1\nkind: ServerConfiguration\n"

func TestDefaultIsValid(t *testing.T) {
	t.Setenv("HOME", "/home/someone")
	if errs := Default().Validate(); len(errs) > 0 {
		t.Error(errs)
	}
}

func TestFlagsOverrideFile(t *testing.T) {
	path := write(t, head+"securePort: 1000\nbindAddress: 10.0.0.1\nlogging: {level: 0}\n")
	fs := pflag.NewFlagSet("atolld", pflag.ContinueOnError)
	flags := AddFlags(fs)
	if err := fs.Parse([]string{"--config", path, "--secure-port=2000", "--data-dir=/d"}); err != nil {
		t.Fatal(err)
	}
	c, err := flags.Configuration()
	if err != nil {
		t.Fatal(err)
	}
	if c.SecurePort != 2000 || c.BindAddress != "10.0.0.1" || c.DataDir != "/d" || c.Logging.Level != 0 || c.Logging.Format != LogText {
		t.Errorf("got %+v", c)
	}
}

func TestRefusedFiles(t *testing.T) {
	for name, c := range map[string]struct{ content, want string }{
		"unknown field":        {head + "securePrt: 1\n", `unknown field "securePrt" (known are `},
		"unknown nested field": {head + "etcd: {quota: 1}\n", `unknown field "etcd.quota" (known are caFile, certFile, keyFile, prefix, quotaBackendBytes, servers)`},
		"duplicate field":      {head + "securePort: 1\nsecurePort: 2\n", `"securePort" already set`},
		"version":              {"apiVersion: v1\nkind: ServerConfiguration\n", `want apiVersion: config.atoll.dev/v1alpha1`},
		"empty":                {"", "want apiVersion"},
		"type":                 {head + "securePort: x\n", "securePort"},
		"no YAML":              {"\t", "is not valid YAML"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Load(write(t, c.content))
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want …%s…", err, c.want)
			}
		})
	}
}
