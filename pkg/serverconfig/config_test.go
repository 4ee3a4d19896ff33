package serverconfig

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/pflag"
	"sigs.k8s.io/yaml"
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

func TestFileCountsEvenWhenZero(t *testing.T) {
	c, err := Load(write(t, head+"logging: {level: 0}\nrequests: {maxInflight: 0}\n"+
		"scheduler: {descheduler: {enabled: false}, estimators: {karmada: {discover: false}}}\n"))
	if err != nil {
		t.Fatal(err)
	}
	if c.Logging.Level != 0 || c.Requests.MaxInflight != 0 || c.Requests.MaxMutatingInflight != 200 {
		t.Errorf("got %+v, %+v: what is written counts, the rest is default", c.Logging, c.Requests)
	}
	if s := c.Scheduler; s.Descheduler.Enabled || s.Estimators.Karmada.Discover || s.Descheduler.Dwell.Duration == 0 || s.SchedulerName == "" {
		t.Errorf("got %+v: what is written counts, the rest is default", s)
	}
}

func TestPathsCountFromTheFile(t *testing.T) {
	path := write(t, head+"dataDir: data\nencryption: {providerConfigFile: /etc/e.yaml}\naudit: {policyFile: p.yaml, logPath: '-'}\n"+
		"scheduler: {estimators: {karmada: {tls: {caFile: estimators.crt}}}}\n")
	c, err := Load(path)
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Dir(path)
	for _, got := range [][2]string{
		{c.DataDir, filepath.Join(dir, "data")},
		{c.Encryption.ProviderConfigFile, "/etc/e.yaml"},
		{c.Audit.PolicyFile, filepath.Join(dir, "p.yaml")},
		{c.Audit.LogPath, "-"},
		{c.Etcd.CAFile, ""},
		{c.Scheduler.Estimators.Karmada.TLS.CAFile, filepath.Join(dir, "estimators.crt")},
	} {
		if got[0] != got[1] {
			t.Errorf("got %s, want %s", got[0], got[1])
		}
	}
}

func TestMissingFile(t *testing.T) {
	_, err := Load("/nowhere/config.yaml")
	if err == nil || err.Error() != "configuration file /nowhere/config.yaml does not exist: check the path given with --config" {
		t.Errorf("got %v", err)
	}
}

// Every field of the file can be set, and arrives.
func TestEveryFieldArrives(t *testing.T) {
	full := reflect.New(reflect.TypeFor[ServerConfiguration]()).Elem()
	fill(full, 1)
	want := full.Addr().Interface().(*ServerConfiguration)
	want.APIVersion, want.Kind = APIVersion, Kind
	content, err := yaml.Marshal(want)
	if err != nil {
		t.Fatal(err)
	}
	got, err := Load(write(t, string(content)))
	if err != nil {
		t.Fatalf("%v\n%s", err, content)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("lost on the way (-want +got):\n%s", diff)
	}
}

// fill sets every field below v to something that is neither zero nor a default.
func fill(v reflect.Value, n int) {
	if v.Type() == reflect.TypeFor[json.RawMessage]() {
		v.SetBytes(fmt.Appendf(nil, `{"n":%d}`, n))
		return
	}
	switch v.Kind() {
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(v.Elem(), n)
	case reflect.Bool:
		v.SetBool(!v.Bool())
	case reflect.Int32:
		v.SetInt(int64(n))
	case reflect.Struct:
		for i := range v.NumField() {
			fill(v.Field(i), n+i)
		}
	case reflect.String:
		v.SetString(fmt.Sprintf("/v%d", n))
	case reflect.Int, reflect.Int64:
		v.SetInt(int64(n) * 1_000_000_007)
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		fill(v.Index(0), n+1)
		fill(v.Index(1), n+2)
	case reflect.Map:
		v.Set(reflect.ValueOf(map[string]bool{"A": true, "B": false}))
	default:
		panic("a kind of field that the test does not know: " + v.Kind().String())
	}
}

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
		"unknown field":          {head + "securePrt: 1\n", `unknown field "securePrt" (known are `},
		"unknown nested field":   {head + "etcd: {quota: 1}\n", `unknown field "etcd.quota" (known are caFile, certFile, keyFile, prefix, quotaBackendBytes, servers)`},
		"unknown in a list":      {head + "scheduler: {plugins: {enabled: [{name: A}, {nme: B}]}}\n", `unknown field "scheduler.plugins.enabled[1].nme" (known are args, name, weight)`},
		"weight of a wrong type": {head + "scheduler: {plugins: {enabled: [{name: A, weight: 1.5}]}}\n", `cannot be decoded: json: cannot unmarshal number 1.5 into Go struct field Plugin.scheduler.plugins.enabled.weight of type int32`},
		"duplicate argument":     {head + "scheduler: {plugins: {enabled: [{name: A, args: {a: 1, a: 2}}]}}\n", `"a" already set`},
		"duplicate field":        {head + "securePort: 1\nsecurePort: 2\n", `"securePort" already set`},
		"version":                {"apiVersion: v1\nkind: ServerConfiguration\n", `want apiVersion: config.atoll.dev/v1alpha1`},
		"empty":                  {"", "want apiVersion"},
		"type":                   {head + "securePort: x\n", "securePort"},
		"no YAML":                {"\t", "is not valid YAML"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Load(write(t, c.content))
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want …%s…", err, c.want)
			}
		})
	}
}
