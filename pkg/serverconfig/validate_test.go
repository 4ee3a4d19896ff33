package serverconfig

import (
	"strings"
	"testing"
	"time"

	"github.com/spf13/pflag"
)

// Every refusal names the field, the value and what would be right.
func TestValidate(t *testing.T) {
	exists := write(t, "")
	for name, c := range map[string]struct {
		change func(*ServerConfiguration)
		want   string // "" if valid
	}{
		"default":           {func(*ServerConfiguration) {}, ""},
		"no data directory": {func(c *ServerConfiguration) { c.DataDir = "" }, "dataDir: Required value: this user has no home directory: set it here or with --data-dir"},
		"bind to a name":    {func(c *ServerConfiguration) { c.BindAddress = "localhost" }, `bindAddress: Invalid value: "localhost": must be an IP address`},
		"bind to all":       {func(c *ServerConfiguration) { c.BindAddress = "::" }, ""},
		"port 0":            {func(c *ServerConfiguration) { c.SecurePort = 0 }, "securePort: Invalid value: 0: must be from 1 to 65535"},
		"port too high":     {func(c *ServerConfiguration) { c.SecurePort = 65536 }, "securePort: Invalid value: 65536"},
		"names": {func(c *ServerConfiguration) {
			c.TLSSANs = []string{"a.example.org", "*.example.org", "10.0.0.1", "fd00::1"}
		}, ""},
		"a URL as a name": {func(c *ServerConfiguration) { c.TLSSANs = []string{"ok", "https://a"} }, `tlsSANs[1]: Invalid value: "https://a": must be an IP address or a DNS name`},
		"external etcd": {func(c *ServerConfiguration) {
			c.Etcd.Servers = []string{"http://127.0.0.1:2379", "http://127.0.0.2:2379"}
		}, ""},
		"etcd by TLS":          {func(c *ServerConfiguration) { c.Etcd = secureEtcd(c.Etcd, exists) }, ""},
		"etcd by socket":       {func(c *ServerConfiguration) { c.Etcd.Servers = []string{"unix:///run/etcd.sock"} }, ""},
		"etcd without scheme":  {func(c *ServerConfiguration) { c.Etcd.Servers = []string{"127.0.0.1:2379"} }, `etcd.servers[0]: Invalid value: "127.0.0.1:2379": must be a URL such as https://10.0.0.5:2379`},
		"etcd mixed":           {func(c *ServerConfiguration) { c.Etcd.Servers = []string{"https://a:1", "http://b:1"} }, "etcd.servers: Invalid value: \"https://a:1,http://b:1\": must all use https, or none"},
		"etcd files alone":     {func(c *ServerConfiguration) { c.Etcd.CAFile = exists }, "is of use only with https URLs in etcd.servers (--etcd-servers)"},
		"certificate alone":    {func(c *ServerConfiguration) { c.Etcd = secureEtcd(c.Etcd, exists); c.Etcd.KeyFile = "" }, "etcd.keyFile: Required value: etcd.certFile is set"},
		"key alone":            {func(c *ServerConfiguration) { c.Etcd = secureEtcd(c.Etcd, exists); c.Etcd.CertFile = "" }, "etcd.certFile: Required value: etcd.keyFile is set"},
		"file is missing":      {func(c *ServerConfiguration) { c.Etcd = secureEtcd(c.Etcd, exists); c.Etcd.CAFile = "/none" }, `etcd.caFile: Invalid value: "/none": must be a file that can be read: no such file or directory`},
		"file is a directory":  {func(c *ServerConfiguration) { c.Encryption.ProviderConfigFile = "/" }, `encryption.providerConfigFile: Invalid value: "/": must be a file, and is a directory`},
		"prefix":               {func(c *ServerConfiguration) { c.Etcd.Prefix = "registry" }, "etcd.prefix"},
		"tiny quota":           {func(c *ServerConfiguration) { c.Etcd.QuotaBackendBytes = 1 }, "etcd.quotaBackendBytes: Invalid value: 1: must be at least 67108864 (64 MiB)"},
		"leaves of no life":    {func(c *ServerConfiguration) { c.Certificates.LeafDuration = duration(time.Second) }, `certificates.leafDuration: Invalid value: "1s": must be from 3m0s to 8760h0m0s`},
		"verbosity":            {func(c *ServerConfiguration) { c.Logging.Level = 11 }, "logging.level: Invalid value: 11: must be from 0 to 10"},
		"log format":           {func(c *ServerConfiguration) { c.Logging.Format = "xml" }, `logging.format: Unsupported value: "xml": supported values: "json", "text"`},
		"audit":                {func(c *ServerConfiguration) { c.Audit.PolicyFile, c.Audit.LogPath = exists, "-" }, ""},
		"audit without policy": {func(c *ServerConfiguration) { c.Audit.LogPath = "-" }, "audit.policyFile: Required value"},
		"audit to nowhere":     {func(c *ServerConfiguration) { c.Audit.PolicyFile = exists }, "audit.logPath: Required value"},
		"plugin on and off": {func(c *ServerConfiguration) {
			c.Admission = Admission{Enable: []string{"A", "B"}, Disable: []string{"B"}}
		}, `admission.enable[1]: Invalid value: "B": is also in admission.disable`},
		"no event TTL":           {func(c *ServerConfiguration) { c.EventTTL = duration(0) }, `eventTTL: Invalid value: "0s": must be more than 0`},
		"no request timeout":     {func(c *ServerConfiguration) { c.Requests.Timeout = duration(-1) }, "requests.timeout"},
		"no requests":            {func(c *ServerConfiguration) { c.Requests.MaxInflight = 0 }, "requests.maxInflight"},
		"lease too short":        {func(c *ServerConfiguration) { c.LeaderElection.LeaseDuration = duration(time.Second) }, `leaderElection.leaseDuration: Invalid value: "1s": must be longer than leaderElection.renewDeadline, 10s`},
		"deadline too short":     {func(c *ServerConfiguration) { c.LeaderElection.RenewDeadline = duration(2 * time.Second) }, "leaderElection.renewDeadline: Invalid value: \"2s\": must be longer than 1.2 times leaderElection.retryPeriod, 2s"},
		"scheduler without name": {func(c *ServerConfiguration) { c.Scheduler.SchedulerName = "" }, "scheduler.schedulerName: Required value"},
		"file of the estimator":  {func(c *ServerConfiguration) { c.Scheduler.Estimators.Karmada.TLS.CAFile = "/none" }, `scheduler.estimators.karmada.tls.caFile: Invalid value: "/none": must be a file that can be read: no such file or directory`},
		"no concurrency":         {func(c *ServerConfiguration) { c.Controllers.Concurrency = 0 }, "controllers.concurrency: Invalid value: 0: must be from 1 to 1000"},
	} {
		t.Run(name, func(t *testing.T) {
			config := Default()
			config.DataDir = "/d"
			c.change(config)
			errs := config.Validate()
			if c.want == "" {
				if len(errs) > 0 {
					t.Errorf("refused: %v", errs)
				}
				return
			}
			if len(errs) != 1 || !strings.Contains(errs[0].Error(), c.want) {
				t.Errorf("got  %v\nwant %s", errs, c.want)
			}
		})
	}
}

func secureEtcd(e Etcd, file string) Etcd {
	e.Servers, e.CAFile, e.CertFile, e.KeyFile = []string{"https://10.0.0.5:2379"}, file, file, file
	return e
}

func TestFlagsAreValidatedWithTheFile(t *testing.T) {
	fs := pflag.NewFlagSet("atolld", pflag.ContinueOnError)
	flags := AddFlags(fs)
	if err := fs.Parse([]string{"--bind-address=x", "--secure-port=-1", "--etcd-servers=a,b", "--log-format=x", "-v", "99"}); err != nil {
		t.Fatal(err)
	}
	_, err := flags.Configuration()
	if err == nil {
		t.Fatal("accepted")
	}
	for _, field := range []string{"bindAddress", "securePort", "etcd.servers[0]", "etcd.servers[1]", "logging.format", "logging.level"} {
		if !strings.Contains(err.Error(), field) {
			t.Errorf("%s is not named in: %v", field, err)
		}
	}
}

func TestEveryFlagArrives(t *testing.T) {
	file := write(t, "")
	fs := pflag.NewFlagSet("atolld", pflag.ContinueOnError)
	flags := AddFlags(fs)
	if err := fs.Parse([]string{"--data-dir=/d", "--bind-address=10.0.0.1", "--secure-port=1", "--tls-san=a,b", "--tls-san=c",
		"--etcd-servers=https://e:1", "--etcd-cafile=" + file, "--etcd-certfile=" + file, "--etcd-keyfile=" + file, "-v=4", "--log-format=json"}); err != nil {
		t.Fatal(err)
	}
	c, err := flags.Configuration()
	if err != nil {
		t.Fatal(err)
	}
	if c.DataDir != "/d" || c.BindAddress != "10.0.0.1" || c.SecurePort != 1 || strings.Join(c.TLSSANs, " ") != "a b c" ||
		c.Etcd.Servers[0] != "https://e:1" || c.Etcd.CAFile != file || c.Etcd.CertFile != file || c.Etcd.KeyFile != file ||
		c.Logging.Level != 4 || c.Logging.Format != LogJSON {
		t.Errorf("got %+v", c)
	}
	if !c.Etcd.External() || Default().Etcd.External() {
		t.Error("External is wrong")
	}
}
