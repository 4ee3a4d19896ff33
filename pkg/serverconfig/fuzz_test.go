package serverconfig

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/yaml"
)

// Whatever is decoded can be validated, and if it is valid it is the same when written and read again.
func FuzzDecode(f *testing.F) {
	for _, seed := range []string{
		"",
		"dataDir: /d\ntlsSANs: [a, b]\nfeatureGates: {A: true}\n",
		"scheduler: {plugins: {enabled: [{name: A, weight: 3, args: {a: [1, {b: null}]}}], disabled: ['*'], order: [A]}}\n",
		"scheduler: {descheduler: {enabled: false, dwell: 1m}, estimators: {timeout: 1s}}\n",
		"scheduler: {plugins: {enabled: [{name: A, weight: 1e3}]}}\n",
		"scheduler: {plugins: {enabled: [{name: A, args: null}]}}\n",
		"etcd: null\nlogging: {level: 0}\n",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, content string) {
		c, err := decode([]byte(head + content))
		if err != nil {
			return
		}
		if errs := append(c.Validate(), c.Scheduler.Plugins.Validate(nil, []string{"A", "B"})...); len(errs) > 0 {
			return
		}
		again, err := yaml.Marshal(c)
		if err != nil {
			t.Fatal(err)
		}
		same, err := decode(again)
		if err != nil {
			t.Fatalf("%v\n%s", err, again)
		}
		third, err := yaml.Marshal(same)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(again), string(third)); diff != "" {
			t.Errorf("lost on the way:\n%s", diff)
		}
	})
}
