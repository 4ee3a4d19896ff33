package join

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const twoContexts = `apiVersion: v1
kind: Config
current-context: one
clusters:
- name: c
  cluster: {server: "https://127.0.0.1:1"}
users:
- name: u
  user: {token: the-secret-token}
contexts:
- name: one
  context: {cluster: c, user: u}
- name: two
  context: {cluster: c, user: u}
- name: broken
  context: {cluster: nowhere, user: u}
`

func TestLoadMember(t *testing.T) {
	for name, c := range map[string]struct {
		content, context string
		kind             Kind
		want             string // part of the sentence; empty if it is to work
	}{
		"current context":     {twoContexts, "", Internal, ""},
		"a context":           {twoContexts, "two", Internal, ""},
		"no such context":     {twoContexts, "three", BadKubeconfig, `has no context "three"; it has broken, one, two`},
		"a broken context":    {twoContexts, "broken", BadKubeconfig, `context "broken" of kubeconfig`},
		"no current context":  {strings.Replace(twoContexts, "current-context: one\n", "", 1), "", BadKubeconfig, "has no current context; name one with --cluster-context (broken, one, two)"},
		"not YAML":            {"a: [1", "", BadKubeconfig, "is not a kubeconfig"},
		"something else":      {"kind: Deployment\napiVersion: apps/v1\n", "", BadKubeconfig, "is not a kubeconfig"},
		"an empty file":       {"", "", BadKubeconfig, "has no current context; name one with --cluster-context (no contexts at all)"},
		"authority not there": {strings.Replace(twoContexts, `"https://127.0.0.1:1"`, `"https://127.0.0.1:1", certificate-authority: /nowhere/ca.crt`, 1), "", BadKubeconfig, "/nowhere/ca.crt"},
	} {
		file := filepath.Join(t.TempDir(), "kubeconfig")
		if err := os.WriteFile(file, []byte(c.content), 0o600); err != nil {
			t.Fatal(err)
		}
		config, err := LoadMember(file, c.context)
		if c.want == "" {
			if err != nil || config.Host != "https://127.0.0.1:1" {
				t.Errorf("%s: got %v, %v", name, config, err)
			}
			continue
		}
		if err == nil || KindOf(err) != c.kind || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v (kind %d), want %q (kind %d)", name, err, KindOf(err), c.want, c.kind)
		}
		if err != nil && (strings.Contains(err.Error(), "\n") || strings.Contains(err.Error(), "the-secret-token")) {
			t.Errorf("%s: not one clean sentence: %v", name, err)
		}
	}
	for file, want := range map[string]string{"": "give it with --cluster-kubeconfig FILE", "/nowhere/kubeconfig": "kubeconfig /nowhere/kubeconfig does not exist",
		t.TempDir(): "cannot be read"} {
		if _, err := LoadMember(file, ""); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("LoadMember(%q) = %v, want %q", file, err, want)
		}
	}
}
