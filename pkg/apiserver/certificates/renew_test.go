package certificates

import (
	"context"
	"crypto/x509"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-logr/logr/funcr"
	"golang.org/x/sys/unix"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/klog/v2"
	testclock "k8s.io/utils/clock/testing"
)

// A server that reads its certificates the way the API server does keeps serving
// over renewals, old connections and new ones, and clients that read the
// kubeconfig again get in with the new certificate.
func TestRenewalUnderAServingServer(t *testing.T) {
	watches, err := unix.InotifyInit1(unix.IN_CLOEXEC)
	if err != nil {
		t.Skipf("without file watches (%v) the server looks at its files once a minute only", err)
	}
	unix.Close(watches)
	opts, clock := newOptions(t)
	port := freePort(t)
	opts.SecurePort = port
	p := mustOpen(t, opts)
	serve(t, p, port, clock.Now)
	running(t, p)

	var serials []string
	standing := dial(t, p)
	for range 4 {
		fresh := dial(t, p)
		// The watch on the file is the API server's own, and asynchronous.
		eventually(t, "the server presents the certificate on disk", func() bool {
			return fresh.get(t).serial == readLeaf(t, p.Serving()).SerialNumber.String()
		})
		answer := fresh.get(t)
		if answer.user != AdminUser || answer.client != readLeaf(t, p.path(adminFile)).SerialNumber.String() {
			t.Errorf("the client came in as %s with certificate %s", answer.user, answer.client)
		}
		if slices.Contains(serials, answer.serial) {
			t.Errorf("certificate %s was served before", answer.serial)
		}
		serials = append(serials, answer.serial)
		if got := standing.get(t).user; got != AdminUser {
			t.Errorf("the connection made before the renewal answers %q", got)
		}
		waitForSleeper(t, clock)
		clock.Step(DefaultLeafDuration * 2 / 3)
		eventually(t, "the leaves are renewed", func() bool {
			renewed := dial(t, p).certificate
			return readLeaf(t, p.Serving()).SerialNumber.String() != answer.serial &&
				renewed != fresh.certificate && renewed == readLeaf(t, p.path(adminFile)).SerialNumber.String()
		})
		if mode := modeOf(t, p.AdminKubeconfig()); mode != 0o600 {
			t.Errorf("admin.kubeconfig has mode %v after the renewal", mode)
		}
	}
}

// What a user puts into admin.kubeconfig outlives renewals.
func TestKubeconfigKeepsWhatUsersAdd(t *testing.T) {
	opts, clock := newOptions(t)
	p := mustOpen(t, opts)
	config, err := clientcmd.LoadFromFile(p.AdminKubeconfig())
	if err != nil {
		t.Fatal(err)
	}
	config.Contexts["atoll"].Namespace = "team-a"
	config.Contexts["other"] = config.Contexts["atoll"].DeepCopy()
	config.CurrentContext = "other"
	if err := clientcmd.WriteToFile(*config, p.AdminKubeconfig()); err != nil {
		t.Fatal(err)
	}
	clock.Step(DefaultLeafDuration)
	if err := p.Reconcile(t.Context()); err != nil {
		t.Fatal(err)
	}
	after, err := clientcmd.LoadFromFile(p.AdminKubeconfig())
	if err != nil {
		t.Fatal(err)
	}
	if after.Contexts["atoll"].Namespace != "team-a" || after.Contexts["other"] == nil || after.CurrentContext != "other" {
		t.Errorf("contexts are %v, current %q", after.Contexts, after.CurrentContext)
	}
	if string(after.AuthInfos[AdminUser].ClientCertificateData) == string(config.AuthInfos[AdminUser].ClientCertificateData) {
		t.Error("the certificate was not renewed")
	}
}

// A pass that fails is tried again, and nothing that is in force is lost meanwhile.
func TestFailedRenewalIsRetried(t *testing.T) {
	opts, clock := newOptions(t)
	p := mustOpen(t, opts)
	logged := running(t, p)
	before := readLeaf(t, p.Serving())
	good := read(t, p.CA())
	write(t, p.CA(), []byte("garbage"))
	waitForSleeper(t, clock)
	clock.Step(DefaultLeafDuration * 2 / 3)
	eventually(t, "the failure is logged", func() bool { return logged.contains("Cannot renew certificates") })
	if now := readLeaf(t, p.Serving()); now.SerialNumber.Cmp(before.SerialNumber) != 0 {
		t.Error("the failed pass replaced the certificate")
	}
	write(t, p.CA(), good)
	waitForSleeper(t, clock)
	clock.Step(lookEvery)
	eventually(t, "the retry renews", func() bool {
		return readLeaf(t, p.Serving()).SerialNumber.Cmp(before.SerialNumber) != 0
	})
}

// A machine that slept past the end of its certificates renews them within a minute of waking.
func TestSleepIsNoticed(t *testing.T) {
	opts, clock := newOptions(t)
	p := mustOpen(t, opts)
	if pause := p.untilDue(); pause > time.Minute {
		t.Errorf("Run sleeps %v at a time: timers stand still while a machine sleeps", pause)
	}
	clock.Step(DefaultLeafDuration * 20)
	if pause := p.untilDue(); pause > time.Second {
		t.Errorf("Run sleeps %v although everything is overdue", pause)
	}
}

func TestEndingAuthorities(t *testing.T) {
	opts, clock := newOptions(t)
	p := mustOpen(t, opts)
	if ending := p.EndingAuthorities(); len(ending) != 0 {
		t.Errorf("new authorities are ending: %v", ending)
	}
	clock.Step(AuthorityDuration - AuthorityWarning + time.Hour)
	if err := p.Reconcile(t.Context()); err != nil {
		t.Fatal(err)
	}
	var files []string
	for _, e := range p.EndingAuthorities() {
		files = append(files, filepath.Base(e.File))
	}
	if !slices.Equal(files, []string{"ca.crt", "front-proxy-ca.crt"}) {
		t.Errorf("ending are %q", files)
	}
	logged := running(t, p)
	eventually(t, "the end is announced", func() bool {
		return logged.contains("ca.crt") && logged.contains("An authority's certificate ends soon")
	})
}

// An authority is renewed by a certificate for the same key in front of the old
// one; it is replaced by a new pair with the old certificate behind. In both
// cases those who hold old certificates stay trusted.
func TestAuthorityBundle(t *testing.T) {
	opts, clock := newOptions(t)
	p := mustOpen(t, opts)
	old := readLeaf(t, p.Serving())
	oldCA := read(t, p.CA())
	replaceAuthority(t, &opts, nil)
	write(t, p.CA(), append(read(t, p.CA()), oldCA...))
	if err := p.Reconcile(t.Context()); err != nil {
		t.Fatal(err)
	}
	trust := x509.VerifyOptions{Roots: bundle(t, p.CA()), CurrentTime: clock.Now()}
	renewed := readLeaf(t, p.Serving())
	if renewed.SerialNumber.Cmp(old.SerialNumber) == 0 {
		t.Error("the leaf is still the old authority's")
	}
	for name, leaf := range map[string]*x509.Certificate{"old": old, "new": renewed} {
		if _, err := leaf.Verify(trust); err != nil {
			t.Errorf("the %s leaf: %v", name, err)
		}
	}
	config, err := clientcmd.LoadFromFile(p.AdminKubeconfig())
	if err != nil {
		t.Fatal(err)
	}
	if string(config.Clusters["atoll"].CertificateAuthorityData) != string(read(t, p.CA())) {
		t.Error("admin.kubeconfig does not trust the whole bundle")
	}
}

// A leaf never outlives its authority, and its renewal is spread but repeatable.
func TestRenewalTime(t *testing.T) {
	opts, clock := newOptions(t)
	for range 20 {
		if err := os.RemoveAll(filepath.Join(opts.Directory, "apiserver.pem")); err != nil {
			t.Fatal(err)
		}
		leaf := readLeaf(t, mustOpen(t, opts).Serving())
		life := leaf.NotAfter.Sub(leaf.NotBefore)
		at := renewalTime(leaf).Sub(leaf.NotBefore)
		if at > life*2/3 || at < life*3/5 {
			t.Errorf("renewed after %v of %v, want three to two fifths of it left", at, life)
		}
		if again := renewalTime(leaf).Sub(leaf.NotBefore); again != at {
			t.Errorf("asked twice: %v, %v", at, again)
		}
	}
	opts.LeafDuration = 20 * 365 * 24 * time.Hour
	p := mustOpen(t, opts)
	clock.Step(8 * 24 * time.Hour)
	mustOpen(t, opts)
	if leaf, ca := readLeaf(t, p.Serving()), p.Expiries(); leaf.NotAfter.After(ca[len(ca)-1].NotAfter) {
		t.Errorf("a leaf outlives its authority: %v", leaf.NotAfter)
	}
}

// running runs the renewals until the test ends and returns their log.
func running(t *testing.T, p *PKI) *record {
	t.Helper()
	r := &record{}
	ctx, cancel := context.WithCancel(klog.NewContext(t.Context(), funcr.New(r.add, funcr.Options{Verbosity: 1})))
	done := make(chan struct{})
	go func() {
		defer close(done)
		p.Run(ctx)
	}()
	t.Cleanup(func() {
		cancel()
		<-done
	})
	return r
}

type record struct {
	mu    sync.Mutex
	lines []string
}

func (r *record) add(prefix, args string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.lines = append(r.lines, prefix+args)
}

func (r *record) contains(part string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.ContainsFunc(r.lines, func(l string) bool { return strings.Contains(l, part) })
}

func waitForSleeper(t *testing.T, clock *testclock.FakeClock) {
	t.Helper()
	eventually(t, "Run sleeps", clock.HasWaiters)
}

func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	deadline := time.Now().Add(20 * time.Second)
	for !ok() {
		if time.Now().After(deadline) {
			t.Fatalf("in vain waited until %s", what)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

func freePort(t *testing.T) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}
