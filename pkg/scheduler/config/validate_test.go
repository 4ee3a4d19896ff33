package config_test

import (
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/utils/ptr"

	"atoll.dev/atoll/pkg/scheduler/config"
)

// messages are what a list of errors says, one line each.
func messages(errs field.ErrorList) string {
	all := ""
	for _, err := range errs {
		all += err.Error() + "\n"
	}
	return all
}

func TestValidate(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*config.Scheduler)
		want   string
	}{
		"default":   {func(*config.Scheduler) {}, ""},
		"no name":   {func(s *config.Scheduler) { s.SchedulerName = "" }, "scheduler.schedulerName: Required value: such as default-scheduler\n"},
		"long name": {func(s *config.Scheduler) { s.SchedulerName = strings.Repeat("a", 64) }, "scheduler.schedulerName: Too long: may not be more than 63 bytes\n"},
		"bad name": {func(s *config.Scheduler) { s.SchedulerName = "My Scheduler" },
			`scheduler.schedulerName: Invalid value: "My Scheduler": a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')` + "\n"},
		"no parallelism":   {func(s *config.Scheduler) { s.Parallelism = 0 }, "scheduler.parallelism: Invalid value: 0: must be from 1 to 1000\n"},
		"much parallelism": {func(s *config.Scheduler) { s.Parallelism = 1001 }, "scheduler.parallelism: Invalid value: 1001: must be from 1 to 1000\n"},
		"no timeout":       {func(s *config.Scheduler) { s.Estimators.Timeout.Duration = 0 }, `scheduler.estimators.timeout: Invalid value: "0s": must be more than 0, such as 3s` + "\n"},
		"estimator port":   {func(s *config.Scheduler) { s.Estimators.Karmada.Port = 65536 }, "scheduler.estimators.karmada.port: Invalid value: 65536: must be from 1 to 65535\n"},
		"estimator prefix": {func(s *config.Scheduler) { s.Estimators.Karmada.ServicePrefix = "a.b" },
			`scheduler.estimators.karmada.servicePrefix: Invalid value: "a.b": must not contain dots` + "\n"},
		"certificate alone": {func(s *config.Scheduler) { s.Estimators.Karmada.TLS.CertFile = "/c" }, "scheduler.estimators.karmada.tls.keyFile: Required value: tls.certFile is set: give its key too\n"},
		"no authority": {func(s *config.Scheduler) { s.Estimators.Karmada.Enabled = true },
			"scheduler.estimators.karmada.tls.caFile: Required value: name the file with the estimators' authority, or set tls.plaintext if they serve without TLS\n"},
		"without TLS": {func(s *config.Scheduler) {
			s.Estimators.Karmada.Enabled, s.Estimators.Karmada.TLS.Plaintext = true, true
		}, ""},
		"not verified": {func(s *config.Scheduler) {
			s.Estimators.Karmada.Enabled, s.Estimators.Karmada.TLS.InsecureSkipVerify = true, true
		}, ""},
		"both ways": {func(s *config.Scheduler) {
			s.Estimators.Karmada.TLS = config.EstimatorTLS{Plaintext: true, CAFile: "/ca"}
		},
			"scheduler.estimators.karmada.tls.plaintext: Invalid value: true: excludes certificates and their verification: leave out either\n"},
		"key alone":    {func(s *config.Scheduler) { s.Estimators.Karmada.TLS.KeyFile = "/k" }, "scheduler.estimators.karmada.tls.certFile: Required value: tls.keyFile is set: give its certificate too\n"},
		"no avoidance": {func(s *config.Scheduler) { s.Descheduler.Avoid.Duration = 0 }, `scheduler.descheduler.avoid: Invalid value: "0s": must be more than 0, such as 30m` + "\n"},
		"negative dwell": {func(s *config.Scheduler) { s.Descheduler.Dwell.Duration = -time.Second },
			`scheduler.descheduler.dwell: Invalid value: "-1s": must be more than 0, such as 5m; to turn the descheduler off set descheduler.enabled to false` + "\n"},
	} {
		t.Run(name, func(t *testing.T) {
			s := config.Default()
			c.change(&s)
			if got := messages(s.Validate(field.NewPath("scheduler"))); got != c.want {
				t.Errorf("got  %swant %s", got, c.want)
			}
		})
	}
}

func TestValidatePlugins(t *testing.T) {
	const known = `supported values: "A", "B", "C"` + "\n"
	for name, c := range map[string]struct {
		plugins config.Plugins
		want    string
	}{
		"nothing said": {config.Plugins{}, ""},
		"all in order": {config.Plugins{Enabled: []config.Plugin{{Name: "A", Weight: ptr.To[int32](0)}, {Name: "B", Weight: ptr.To[int32](1000)}}, Disabled: []string{"C"}, Order: []string{"B", "A"}}, ""},
		"all but":      {config.Plugins{Enabled: []config.Plugin{{Name: "A"}}, Disabled: []string{"*"}}, ""},
		"unknown, thrice": {config.Plugins{Enabled: []config.Plugin{{Name: "A"}, {Name: "X"}}, Disabled: []string{"Y"}, Order: []string{"Z"}},
			`plugins.enabled[1].name: Unsupported value: "X": ` + known + `plugins.disabled[0]: Unsupported value: "Y": ` + known + `plugins.order[0]: Unsupported value: "Z": ` + known},
		"no name": {config.Plugins{Enabled: []config.Plugin{{}}}, "plugins.enabled[0].name: Required value: name one of A, B, C\n"},
		"twice": {config.Plugins{Enabled: []config.Plugin{{Name: "A"}, {Name: "A"}}, Disabled: []string{"B", "B"}, Order: []string{"A", "A"}},
			`plugins.enabled[1].name: Invalid value: "A": is in plugins.enabled twice: name it once` + "\n" +
				`plugins.disabled[1]: Invalid value: "B": is in plugins.disabled twice: name it once` + "\n" +
				`plugins.order[1]: Invalid value: "A": is in plugins.order twice: name it once` + "\n"},
		"on and off": {config.Plugins{Enabled: []config.Plugin{{Name: "A"}}, Disabled: []string{"A"}},
			`plugins.disabled[0]: Invalid value: "A": is also in plugins.enabled: name it in one of them` + "\n"},
		"all and more": {config.Plugins{Disabled: []string{"A", "*"}},
			`plugins.disabled[1]: Invalid value: "*": disables all plugins that are not in plugins.enabled: leave the others out` + "\n"},
		"weight below 0": {config.Plugins{Enabled: []config.Plugin{{Name: "A", Weight: ptr.To[int32](-1)}}},
			"plugins.enabled[0].weight: Invalid value: -1: must be from 0, which leaves the scores out, to 1000\n"},
		"weight too high": {config.Plugins{Enabled: []config.Plugin{{Name: "A", Weight: ptr.To[int32](1001)}}},
			"plugins.enabled[0].weight: Invalid value: 1001: must be from 0, which leaves the scores out, to 1000\n"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := messages(c.plugins.Validate(field.NewPath("plugins"), []string{"A", "B", "C"})); got != c.want {
				t.Errorf("got  %swant %s", got, c.want)
			}
		})
	}
}
