package config

import (
	"fmt"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

const (
	maximumParallelism = 1000
	maximumWeight      = 1000
	// maximumName leaves room for the scheduler's name in that of its lease.
	maximumName = 63
)

// Validate returns what is wrong with the configuration at the path at, except for
// files that do not exist and for the names of plugins: see Plugins.Validate.
func (s *Scheduler) Validate(at *field.Path) field.ErrorList {
	var errs field.ErrorList
	errs = append(errs, dnsName(at.Child("schedulerName"), s.SchedulerName)...)
	if len(s.SchedulerName) > maximumName {
		errs = append(errs, field.TooLong(at.Child("schedulerName"), s.SchedulerName, maximumName))
	}
	errs = append(errs, inRange(at.Child("parallelism"), s.Parallelism, 1, maximumParallelism)...)
	errs = append(errs, s.Estimators.validate(at.Child("estimators"))...)
	if d := s.Descheduler.Dwell.Duration; d <= 0 {
		errs = append(errs, field.Invalid(at.Child("descheduler", "dwell"), d.String(), "must be more than 0, such as 5m; to turn the descheduler off set descheduler.enabled to false"))
	}
	if d := s.Descheduler.Avoid.Duration; d <= 0 {
		errs = append(errs, field.Invalid(at.Child("descheduler", "avoid"), d.String(), "must be more than 0, such as 30m"))
	}
	return errs
}

func (e *Estimators) validate(at *field.Path) (errs field.ErrorList) {
	if d := e.Timeout.Duration; d <= 0 {
		errs = append(errs, field.Invalid(at.Child("timeout"), d.String(), "must be more than 0, such as 3s"))
	}
	at = at.Child("karmada")
	k := e.Karmada
	for _, f := range []struct{ name, value string }{{"servicePrefix", k.ServicePrefix}, {"namespace", k.Namespace}} {
		for _, problem := range validation.IsDNS1123Label(f.value) {
			errs = append(errs, field.Invalid(at.Child(f.name), f.value, problem))
		}
	}
	errs = append(errs, inRange(at.Child("port"), k.Port, 1, 65535)...)
	return append(errs, k.TLS.validate(at.Child("tls"), k.Enabled)...)
}

func (t *EstimatorTLS) validate(at *field.Path, used bool) (errs field.ErrorList) {
	if t.CertFile == "" && t.KeyFile != "" {
		errs = append(errs, field.Required(at.Child("certFile"), "tls.keyFile is set: give its certificate too"))
	}
	if t.KeyFile == "" && t.CertFile != "" {
		errs = append(errs, field.Required(at.Child("keyFile"), "tls.certFile is set: give its key too"))
	}
	switch {
	case t.Plaintext && (t.CAFile != "" || t.CertFile != "" || t.KeyFile != "" || t.InsecureSkipVerify):
		errs = append(errs, field.Invalid(at.Child("plaintext"), true, "excludes certificates and their verification: leave out either"))
	case used && !t.Plaintext && t.CAFile == "" && !t.InsecureSkipVerify:
		errs = append(errs, field.Required(at.Child("caFile"), "name the file with the estimators' authority, or set tls.plaintext if they serve without TLS"))
	}
	return errs
}

// Validate returns what is wrong with the choice of plugins at the path at, given
// the names of those that are compiled in, sorted.
func (p *Plugins) Validate(at *field.Path, known []string) field.ErrorList {
	var errs field.ErrorList
	names := newNames(known)

	enabled := names.list("enabled")
	for i, plugin := range p.Enabled {
		at := at.Child("enabled").Index(i)
		errs = append(errs, enabled.add(at.Child("name"), plugin.Name)...)
		if w := plugin.Weight; w != nil && (*w < 0 || *w > maximumWeight) {
			errs = append(errs, field.Invalid(at.Child("weight"), *w, fmt.Sprintf("must be from 0, which leaves the scores out, to %d", maximumWeight)))
		}
	}
	disabled := names.list("disabled")
	for i, name := range p.Disabled {
		at := at.Child("disabled").Index(i)
		switch {
		case name == All && len(p.Disabled) > 1:
			errs = append(errs, field.Invalid(at, name, "disables all plugins that are not in plugins.enabled: leave the others out"))
		case name == All:
		case enabled.has[name]:
			errs = append(errs, field.Invalid(at, name, "is also in plugins.enabled: name it in one of them"))
		default:
			errs = append(errs, disabled.add(at, name)...)
		}
	}
	order := names.list("order")
	for i, name := range p.Order {
		errs = append(errs, order.add(at.Child("order").Index(i), name)...)
	}
	return errs
}

// names checks names of plugins.
type names struct {
	known []string
	is    map[string]bool
}

func newNames(known []string) names {
	n := names{known, make(map[string]bool, len(known))}
	for _, name := range known {
		n.is[name] = true
	}
	return n
}

// list starts a list of names, each of which must be known and there once.
func (n names) list(name string) *nameList { return &nameList{n, name, map[string]bool{}} }

type nameList struct {
	names
	name string
	has  map[string]bool
}

func (l *nameList) add(at *field.Path, name string) field.ErrorList {
	switch {
	case name == "":
		return field.ErrorList{field.Required(at, "name one of "+strings.Join(l.known, ", "))}
	case !l.is[name]:
		return field.ErrorList{field.NotSupported(at, name, l.known)}
	case l.has[name]:
		return field.ErrorList{field.Invalid(at, name, "is in plugins."+l.name+" twice: name it once")}
	}
	l.has[name] = true
	return nil
}

func dnsName(at *field.Path, value string) (errs field.ErrorList) {
	if value == "" {
		return field.ErrorList{field.Required(at, "such as "+DefaultSchedulerName)}
	}
	for _, problem := range validation.IsDNS1123Subdomain(value) {
		errs = append(errs, field.Invalid(at, value, problem))
	}
	return errs
}

func inRange(at *field.Path, value, low, high int) field.ErrorList {
	if value >= low && value <= high {
		return nil
	}
	return field.ErrorList{field.Invalid(at, value, fmt.Sprintf("must be from %d to %d", low, high))}
}
