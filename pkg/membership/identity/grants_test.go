package identity

import (
	"errors"
	"slices"
	"testing"

	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

var (
	deployments    = schema.GroupResource{Group: "apps", Resource: "deployments"}
	statefulSets   = schema.GroupResource{Group: "apps", Resource: "statefulsets"}
	configMaps     = schema.GroupResource{Resource: "configmaps"}
	accountTokens  = schema.GroupResource{Resource: "serviceaccounts/token"}
	validatingHook = schema.GroupResource{Group: "admissionregistration.k8s.io", Resource: "validatingwebhookconfigurations"}
)

func TestMinimalRoleGrowsByJustTheKind(t *testing.T) {
	rules := WriterBase()
	for _, r := range []schema.GroupResource{deployments, configMaps, statefulSets} {
		if GrantsOf(rules).Has(r) {
			t.Errorf("%s is granted before anybody asked", r)
		}
		var added bool
		var err error
		rules, added, err = WithGrant(rules, Minimal, r)
		if err != nil || !added {
			t.Fatalf("WithGrant(%s) = %v, %v; want added", r, added, err)
		}
		if !GrantsOf(rules).Has(r) {
			t.Errorf("%s is not granted after WithGrant", r)
		}
	}
	if again, added, err := WithGrant(rules, Minimal, deployments); added || err != nil || len(again) != len(rules) {
		t.Errorf("a second grant changed the rules: added %v, %v", added, err)
	}
	if GrantsOf(rules).Has(schema.GroupResource{Group: "apps", Resource: "daemonsets"}) {
		t.Error("daemonsets are granted, only deployments and statefulsets were asked for")
	}
	if got, want := len(rules), len(WriterBase())+2; got != want {
		t.Errorf("got %d rules, want %d: one for each of the two groups", got, want)
	}
}

func TestReadingIsNotManaging(t *testing.T) {
	if GrantsOf(WriterBase()).Has(schema.GroupResource{Resource: "pods"}) {
		t.Error("the base rules let the writer manage pods; they are for reading")
	}
	named := []rbacv1.PolicyRule{{Verbs: []string{"*"}, APIGroups: []string{""}, Resources: []string{"configmaps"}, ResourceNames: []string{"one"}}}
	if GrantsOf(named).Has(configMaps) {
		t.Error("a rule for one name passes for all")
	}
}

func TestKarmadactlsRoleNeedsNoGrant(t *testing.T) {
	all := []rbacv1.PolicyRule{{Verbs: []string{"*"}, APIGroups: []string{"*"}, Resources: []string{"*"}}}
	if _, added, err := WithGrant(all, Minimal, deployments); added || err != nil {
		t.Errorf("WithGrant = %v, %v; want nothing to add", added, err)
	}
}

func TestWhatNoWriterMayHold(t *testing.T) {
	for _, r := range []schema.GroupResource{validatingHook, accountTokens, {Resource: "nodes/proxy"}} {
		for _, mode := range []Mode{Minimal, Admin} {
			rules, added, err := WithGrant(WriterBase(), mode, r)
			refused := new(RefusedError)
			if !errors.As(err, &refused) || added || len(rules) != len(WriterBase()) {
				t.Errorf("WithGrant(%s, %s) = added %v, %v; want a refusal", r, mode, added, err)
			}
		}
	}
}

func TestAdminRules(t *testing.T) {
	served := []schema.GroupResource{configMaps, {Resource: "serviceaccounts"}, accountTokens, {Resource: "pods/exec"}, {Resource: "nodes/proxy"},
		deployments, statefulSets, validatingHook, {Group: "rbac.authorization.k8s.io", Resource: "clusterroles"}}
	rules := AdminRules(served)
	g := GrantsOf(rules)
	for r, want := range map[schema.GroupResource]bool{
		configMaps: true, deployments: true, {Resource: "serviceaccounts"}: true, {Resource: "pods/exec"}: true,
		{Group: "rbac.authorization.k8s.io", Resource: "clusterroles"}: true,
		{Group: "apps", Resource: "whatever-comes"}:                    true,
		validatingHook:            false,
		accountTokens:             false,
		{Resource: "nodes/proxy"}: false,
		{Group: "not.there.yet", Resource: "things"}:                    false,
		{Group: "authentication.k8s.io", Resource: "userextras/scopes"}: false,
	} {
		if got := g.Has(r); got != want {
			t.Errorf("admin role manages %s: %v, want %v", r, got, want)
		}
	}
	rules, added, err := WithGrant(rules, Admin, schema.GroupResource{Group: "not.there.yet", Resource: "things"})
	if err != nil || !added || !GrantsOf(rules).Has(schema.GroupResource{Group: "not.there.yet", Resource: "others"}) {
		t.Errorf("a new group is not granted as a whole in admin mode: %v, %v", added, err)
	}
}

// No rule of a writer, in whatever mode, may hold a verb or a wildcard by which it could become somebody else.
func TestWritersCannotClimb(t *testing.T) {
	grown, _, err := WithGrant(WriterBase(), Minimal, schema.GroupResource{Group: "rbac.authorization.k8s.io", Resource: "clusterroles"})
	if err != nil {
		t.Fatal(err)
	}
	for name, rules := range map[string][]rbacv1.PolicyRule{"base": WriterBase(), "grown": grown,
		"admin": AdminRules([]schema.GroupResource{configMaps, deployments, accountTokens, {Group: "rbac.authorization.k8s.io", Resource: "roles"}})} {
		for _, rule := range rules {
			for _, verb := range []string{"*", "bind", "escalate", "impersonate"} {
				if slices.Contains(rule.Verbs, verb) {
					t.Errorf("%s: rule %v holds verb %s", name, rule, verb)
				}
			}
			if slices.Contains(rule.APIGroups, "*") || (slices.Contains(rule.APIGroups, "") && slices.Contains(rule.Resources, "*")) {
				t.Errorf("%s: rule %v holds a wildcard that includes service-account tokens", name, rule)
			}
		}
	}
}

func TestWriterNames(t *testing.T) {
	for name, want := range map[string]int64{"atoll-writer-e1": 1, "atoll-writer-e12": 12, "atoll-writer-e01": 0, "atoll-writer-e0": 0,
		"atoll-writer-e-1": 0, "atoll-writer": 0, "atoll-claimer": 0} {
		epoch, ok := WriterEpoch(name)
		if ok != (want > 0) || (ok && (epoch != want || Writer(epoch) != name)) {
			t.Errorf("WriterEpoch(%s) = %d, %v; want %d", name, epoch, ok, want)
		}
	}
}
