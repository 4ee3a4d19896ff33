package certificates

import (
	"crypto/x509"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/util/keyutil"
)

func TestFirstStartMakesEverything(t *testing.T) {
	opts, clock := newEmptyOptions(t)
	opts.EtcdTLS, opts.TLSSANs, opts.EtcdSANs = true, []string{"plane.example.org", "10.1.2.3"}, []string{"etcd-0"}
	p := mustOpen(t, opts)
	hostname, err := os.Hostname()
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		file, ca    string
		usage       x509.ExtKeyUsage
		user, group string
		names       []string
	}{
		{p.Serving(), p.CA(), x509.ExtKeyUsageServerAuth, "atoll-apiserver", "", []string{
			"localhost", "127.0.0.1", "::1", hostname, "kubernetes", "kubernetes.default", "kubernetes.default.svc", "plane.example.org", "10.1.2.3"}},
		{p.FrontProxyClient(), p.FrontProxyCA(), x509.ExtKeyUsageClientAuth, FrontProxyUser, "", nil},
		{filepath.Join(opts.Directory, "admin.pem"), p.CA(), x509.ExtKeyUsageClientAuth, "atoll-admin", "system:masters", nil},
		{filepath.Join(opts.Directory, "scheduler.pem"), p.CA(), x509.ExtKeyUsageClientAuth, "atoll-scheduler", "", nil},
		{filepath.Join(opts.Directory, "controllers.pem"), p.CA(), x509.ExtKeyUsageClientAuth, "atoll-controllers", "", nil},
		{p.EtcdServer(), p.EtcdCA(), x509.ExtKeyUsageServerAuth, "atoll-etcd", "", []string{"localhost", "127.0.0.1", "etcd-0"}},
		{p.EtcdPeer(), p.EtcdCA(), x509.ExtKeyUsageServerAuth, "atoll-etcd-peer", "", []string{"etcd-0"}},
		{p.EtcdPeer(), p.EtcdCA(), x509.ExtKeyUsageClientAuth, "atoll-etcd-peer", "", nil},
		{p.EtcdClient(), p.EtcdCA(), x509.ExtKeyUsageClientAuth, "atoll-apiserver", "", nil},
	} {
		leaf := readLeaf(t, c.file)
		verify := x509.VerifyOptions{Roots: bundle(t, c.ca), KeyUsages: []x509.ExtKeyUsage{c.usage}, CurrentTime: clock.Now()}
		if _, err := leaf.Verify(verify); err != nil {
			t.Errorf("%s: %v", c.file, err)
		}
		if leaf.Subject.CommonName != c.user || strings.Join(leaf.Subject.Organization, ",") != c.group {
			t.Errorf("%s: issued to %v", c.file, leaf.Subject)
		}
		for _, name := range c.names {
			if err := leaf.VerifyHostname(name); err != nil {
				t.Errorf("%s: %v", c.file, err)
			}
		}
		if want := clock.Now().Add(DefaultLeafDuration); !leaf.NotAfter.Equal(want) {
			t.Errorf("%s: valid until %v, want %v", c.file, leaf.NotAfter, want)
		}
		if mode := modeOf(t, c.file); mode != 0o600 {
			t.Errorf("%s: mode is %v, want 0600, since it holds a key", c.file, mode)
		}
	}
	for _, key := range []string{"ca.key", "front-proxy-ca.key", "etcd-ca.key", "sa.key", "scheduler.kubeconfig", "controllers.kubeconfig"} {
		if mode := modeOf(t, filepath.Join(opts.Directory, key)); mode != 0o600 {
			t.Errorf("%s: mode is %v, want 0600", key, mode)
		}
	}
	for _, e := range p.Expiries() {
		if e.Authority && e.NotAfter.Before(clock.Now().Add(9*365*24*time.Hour)) {
			t.Errorf("%s ends on %v", e.File, e.NotAfter)
		}
	}
}

func TestKubeconfigs(t *testing.T) {
	for bind, want := range map[string]string{
		"127.0.0.1": "https://127.0.0.1:7443",
		"0.0.0.0":   "https://127.0.0.1:7443",
		"::":        "https://127.0.0.1:7443",
		"10.0.0.7":  "https://10.0.0.7:7443",
		"fd00::1":   "https://[fd00::1]:7443",
	} {
		t.Run(bind, func(t *testing.T) {
			opts, _ := newOptions(t)
			opts.BindAddress = bind
			p := mustOpen(t, opts)
			for _, path := range []string{p.AdminKubeconfig(), p.SchedulerKubeconfig(), p.ControllersKubeconfig()} {
				config, err := clientcmd.BuildConfigFromFlags("", path)
				if err != nil {
					t.Fatalf("%s: %v", path, err)
				}
				if config.Host != want {
					t.Errorf("%s: server is %s, want %s", path, config.Host, want)
				}
				if mode := modeOf(t, path); mode != 0o600 {
					t.Errorf("%s: mode is %v, want 0600", path, mode)
				}
			}
			raw, err := clientcmd.LoadFromFile(p.AdminKubeconfig())
			if err != nil {
				t.Fatal(err)
			}
			if raw.CurrentContext != "atoll" || raw.Contexts["atoll"] == nil {
				t.Errorf("context is %q of %v, want atoll", raw.CurrentContext, raw.Contexts)
			}
		})
	}
}

func TestNothingChangedNothingWritten(t *testing.T) {
	opts, clock := newOptions(t)
	p := mustOpen(t, opts)
	before := identities(t, opts)
	clock.Step(24 * time.Hour)
	mustOpen(t, opts)
	if err := p.Reconcile(t.Context()); err != nil {
		t.Fatal(err)
	}
	if after := identities(t, opts); !maps.Equal(before, after) {
		t.Errorf("files were written again:\nbefore %v\nafter  %v", before, after)
	}
}

func TestWhatIsIssuedAnew(t *testing.T) {
	all := []string{"admin.kubeconfig", "admin.pem", "apiserver.pem", "controllers.pem", "front-proxy-client.pem", "scheduler.pem"}
	for name, c := range map[string]struct {
		change func(t *testing.T, opts *Options, step func(time.Duration))
		want   []string
	}{
		"nothing":              {func(*testing.T, *Options, func(time.Duration)) {}, nil},
		"slept a year":         {func(_ *testing.T, _ *Options, step func(time.Duration)) { step(365 * 24 * time.Hour) }, all},
		"two thirds are over":  {func(_ *testing.T, _ *Options, step func(time.Duration)) { step(DefaultLeafDuration * 2 / 3) }, all},
		"not yet two thirds":   {func(_ *testing.T, _ *Options, step func(time.Duration)) { step(DefaultLeafDuration * 59 / 100) }, nil},
		"clock was set back":   {func(_ *testing.T, _ *Options, step func(time.Duration)) { step(-time.Hour) }, nil /* the authority is from the future: an error */},
		"a name was added":     {func(_ *testing.T, o *Options, _ func(time.Duration)) { o.TLSSANs = []string{"new.example.org"} }, []string{"apiserver.pem"}},
		"another bind address": {func(_ *testing.T, o *Options, _ func(time.Duration)) { o.BindAddress = "10.0.0.7" }, []string{"admin.kubeconfig", "apiserver.pem", "controllers.kubeconfig", "scheduler.kubeconfig"}},
		"another port":         {func(_ *testing.T, o *Options, _ func(time.Duration)) { o.SecurePort = 1 }, []string{"admin.kubeconfig", "controllers.kubeconfig", "scheduler.kubeconfig"}},
		"a shorter life":       {func(_ *testing.T, o *Options, _ func(time.Duration)) { o.LeafDuration = time.Hour }, all},
		"a longer life":        {func(_ *testing.T, o *Options, _ func(time.Duration)) { o.LeafDuration = 30 * 24 * time.Hour }, nil},
		"a leaf was removed": {func(t *testing.T, o *Options, _ func(time.Duration)) {
			if err := os.Remove(filepath.Join(o.Directory, "scheduler.pem")); err != nil {
				t.Fatal(err)
			}
		}, []string{"scheduler.pem"}},
		"a leaf is garbage": {func(t *testing.T, o *Options, _ func(time.Duration)) {
			write(t, filepath.Join(o.Directory, "apiserver.pem"), []byte("garbage"))
		}, []string{"apiserver.pem"}},
		"a leaf has another key": {mismatchLeaf, []string{"admin.kubeconfig", "admin.pem"}},
		"two leaves were mixed up": {func(t *testing.T, o *Options, _ func(time.Duration)) {
			write(t, filepath.Join(o.Directory, "scheduler.pem"), read(t, filepath.Join(o.Directory, "admin.pem")))
		}, []string{"scheduler.pem"}},
		"the kubeconfig is garbage":      {func(t *testing.T, o *Options, _ func(time.Duration)) { write(t, o.AdminKubeconfig, []byte("{")) }, []string{"admin.kubeconfig"}},
		"public keys were removed":       {func(t *testing.T, o *Options, _ func(time.Duration)) { os.Remove(filepath.Join(o.Directory, "sa.pub")) }, []string{"sa.pub"}},
		"the authority was replaced":     {replaceAuthority, slices.DeleteFunc(slices.Clone(all), func(n string) bool { return n == "front-proxy-client.pem" })},
		"the service-account key is new": {replaceServiceAccountKey, []string{"sa.pub"}},
	} {
		t.Run(name, func(t *testing.T) {
			opts, clock := newOptions(t)
			mustOpen(t, opts)
			c.change(t, &opts, func(d time.Duration) { clock.SetTime(clock.Now().Add(d)) })
			if name == "clock was set back" {
				_, err := Open(t.Context(), opts)
				hasAll(t, err, "ca.crt is valid only from", "check the clock of this machine")
				return
			}
			before := identities(t, opts)
			p := mustOpen(t, opts)
			got := changed(before, identities(t, opts))
			if !slices.Equal(got, c.want) {
				t.Errorf("written anew: %q\nwant          %q", got, c.want)
			}
			leaf := readLeaf(t, p.Serving())
			if _, err := leaf.Verify(x509.VerifyOptions{Roots: bundle(t, p.CA()), CurrentTime: clock.Now(), DNSName: "localhost"}); err != nil {
				t.Errorf("the serving certificate does not verify: %v", err)
			}
		})
	}
}

func mismatchLeaf(t *testing.T, o *Options, _ func(time.Duration)) {
	admin, other := string(read(t, filepath.Join(o.Directory, "admin.pem"))), string(read(t, filepath.Join(o.Directory, "scheduler.pem")))
	const border = "-----BEGIN EC PRIVATE KEY-----"
	cert, _, _ := strings.Cut(admin, border)
	_, key, found := strings.Cut(other, border)
	if !found {
		t.Fatalf("no key in %s", other)
	}
	write(t, filepath.Join(o.Directory, "admin.pem"), []byte(cert+border+key))
}

func replaceAuthority(t *testing.T, o *Options, _ func(time.Duration)) {
	other, _ := newOptions(t)
	mustOpen(t, other)
	for _, name := range []string{"ca.crt", "ca.key"} {
		write(t, filepath.Join(o.Directory, name), read(t, filepath.Join(other.Directory, name)))
	}
}

func replaceServiceAccountKey(t *testing.T, o *Options, _ func(time.Duration)) {
	key, err := keyutil.MakeEllipticPrivateKeyPEM()
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(o.Directory, "sa.key"), key)
}

func TestServiceAccountKeyRotation(t *testing.T) {
	opts, _ := newOptions(t)
	p := mustOpen(t, opts)
	before, err := keyutil.PublicKeysFromFile(p.ServiceAccountPublicKeys())
	if err != nil {
		t.Fatal(err)
	}
	replaceServiceAccountKey(t, &opts, nil)
	mustOpen(t, opts)
	after, err := keyutil.PublicKeysFromFile(p.ServiceAccountPublicKeys())
	if err != nil {
		t.Fatal(err)
	}
	if len(before) != 1 || len(after) != 2 || !samePublicKey(before[0], after[1]) {
		t.Errorf("%d keys, then %d; want the old one to stay after the new one", len(before), len(after))
	}
	key, err := parseSigner("sa.key", read(t, p.ServiceAccountKey()))
	if err != nil || !samePublicKey(key.Public(), after[0]) {
		t.Errorf("the first public key is not that of sa.key (%v)", err)
	}
}

// A first start that was cut off after any file is carried on, and no key that
// may be in use already is made anew.
func TestInterruptedFirstStartIsCarriedOn(t *testing.T) {
	whole, _ := newOptions(t)
	mustOpen(t, whole)
	made := contents(t, whole)
	delete(made, "admin.kubeconfig")
	names := slices.Sorted(maps.Keys(made))
	kept := []string{"ca.key", "ca.crt", "front-proxy-ca.key", "front-proxy-ca.crt", "sa.key"}
	for round := range 60 {
		opts, _ := newOptions(t)
		present := map[string]string{}
		for _, name := range names {
			authority, isCertificate := strings.CutSuffix(name, ".crt")
			// A key is always written before its certificate.
			if rand.IntN(2) == 0 || (isCertificate && present[authority+".key"] == "" && made[authority+".key"] != "") {
				continue
			}
			present[name] = made[name]
		}
		for _, name := range names { // the order of names puts ca.crt before ca.key
			if authority, ok := strings.CutSuffix(name, ".crt"); ok && present[authority+".key"] != "" && rand.IntN(2) == 0 {
				present[name] = made[name]
			}
		}
		for name, content := range present {
			write(t, filepath.Join(opts.Directory, name), []byte(content))
		}
		write(t, filepath.Join(opts.Directory, ".ca.key.tmp-1"), []byte("half"))
		p := mustOpen(t, opts)
		after := contents(t, opts)
		for _, name := range kept {
			if present[name] != "" && after[name] != present[name] {
				t.Errorf("round %d: %s was made anew", round, name)
			}
		}
		if _, left := after[".ca.key.tmp-1"]; left {
			t.Errorf("round %d: the temporary file is still there", round)
		}
		if _, err := readLeaf(t, p.Serving()).Verify(x509.VerifyOptions{Roots: bundle(t, p.CA())}); err != nil {
			t.Errorf("round %d, with %q: %v", round, slices.Sorted(maps.Keys(present)), err)
		}
	}
}

func modeOf(t *testing.T, path string) os.FileMode {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	return info.Mode()
}
