package serverconfig

import (
	"fmt"
	"net/netip"
	"net/url"
	"os"
	"slices"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

const (
	// minimumLeafDuration leaves more than a minute between a renewal and the end
	// of the old certificate: where the kernel has no inotify instance left, the
	// API server looks at its files once a minute.
	minimumLeafDuration = 3 * time.Minute
	maximumLeafDuration = 365 * 24 * time.Hour
	minimumQuota        = 64 << 20
	maximumConcurrency  = 1000
	// renewJitter is client-go's: a leader may pause that many retry periods.
	renewJitter = 1.2
)

// Validate returns what is wrong with the configuration, by field, including
// input files that do not exist.
func (c *ServerConfiguration) Validate() field.ErrorList {
	var errs field.ErrorList
	at := field.NewPath
	if c.DataDir == "" {
		errs = append(errs, field.Required(at("dataDir"), "this user has no home directory: set it here or with --data-dir"))
	}
	if _, err := netip.ParseAddr(c.BindAddress); err != nil {
		errs = append(errs, field.Invalid(at("bindAddress"), c.BindAddress, "must be an IP address, such as 127.0.0.1, or 0.0.0.0 for all"))
	}
	errs = append(errs, inRange(at("securePort"), c.SecurePort, 1, 65535)...)
	for i, san := range c.TLSSANs {
		errs = append(errs, validateSAN(at("tlsSANs").Index(i), san)...)
	}
	errs = append(errs, c.Etcd.validate(at("etcd"))...)
	if d := c.Certificates.LeafDuration.Duration; d < minimumLeafDuration || d > maximumLeafDuration {
		errs = append(errs, field.Invalid(at("certificates", "leafDuration"), d.String(), fmt.Sprintf("must be from %v to %v", minimumLeafDuration, maximumLeafDuration)))
	}
	errs = append(errs, inRange(at("logging", "level"), c.Logging.Level, 0, 10)...)
	if formats := []LogFormat{LogJSON, LogText}; !slices.Contains(formats, c.Logging.Format) {
		errs = append(errs, field.NotSupported(at("logging", "format"), c.Logging.Format, formats))
	}
	errs = append(errs, c.Audit.validate(at("audit"))...)
	for i, name := range c.Admission.Enable {
		if slices.Contains(c.Admission.Disable, name) {
			errs = append(errs, field.Invalid(at("admission", "enable").Index(i), name, "is also in admission.disable: name it in one of them"))
		}
	}
	errs = append(errs, positive(at("eventTTL"), c.EventTTL)...)
	errs = append(errs, positive(at("requests", "timeout"), c.Requests.Timeout)...)
	errs = append(errs, inRange(at("requests", "maxInflight"), c.Requests.MaxInflight, 1, 1<<20)...)
	errs = append(errs, inRange(at("requests", "maxMutatingInflight"), c.Requests.MaxMutatingInflight, 1, 1<<20)...)
	errs = append(errs, c.LeaderElection.validate(at("leaderElection"))...)
	errs = append(errs, inRange(at("controllers", "concurrency"), c.Controllers.Concurrency, 1, maximumConcurrency)...)
	errs = append(errs, c.Scheduler.Validate(at("scheduler"))...)
	for _, f := range c.paths() {
		if !f.input || *f.value == "" {
			continue
		}
		if info, err := os.Stat(*f.value); err != nil {
			errs = append(errs, field.Invalid(f.at, *f.value, "must be a file that can be read: "+reason(err)))
		} else if info.IsDir() {
			errs = append(errs, field.Invalid(f.at, *f.value, "must be a file, and is a directory"))
		}
	}
	return errs
}

func (e Etcd) validate(at *field.Path) (errs field.ErrorList) {
	secure := 0
	for i, server := range e.Servers {
		u, err := url.Parse(server)
		switch {
		case err != nil, u.Host == "" && u.Path == "", !slices.Contains([]string{"http", "https", "unix", "unixs"}, u.Scheme):
			errs = append(errs, field.Invalid(at.Child("servers").Index(i), server, "must be a URL such as https://10.0.0.5:2379"))
		case u.Scheme == "https" || u.Scheme == "unixs":
			secure++
		}
	}
	if secure > 0 && secure < len(e.Servers) && len(errs) == 0 {
		errs = append(errs, field.Invalid(at.Child("servers"), strings.Join(e.Servers, ","), "must all use https, or none"))
	}
	for _, f := range []struct{ name, value string }{{"caFile", e.CAFile}, {"certFile", e.CertFile}, {"keyFile", e.KeyFile}} {
		if f.value != "" && secure == 0 {
			errs = append(errs, field.Invalid(at.Child(f.name), f.value, "is of use only with https URLs in etcd.servers (--etcd-servers)"))
		}
	}
	if e.CertFile == "" && e.KeyFile != "" {
		errs = append(errs, field.Required(at.Child("certFile"), "etcd.keyFile is set: give its certificate too (--etcd-certfile)"))
	}
	if e.KeyFile == "" && e.CertFile != "" {
		errs = append(errs, field.Required(at.Child("keyFile"), "etcd.certFile is set: give its key too (--etcd-keyfile)"))
	}
	if !strings.HasPrefix(e.Prefix, "/") || e.Prefix == "/" {
		errs = append(errs, field.Invalid(at.Child("prefix"), e.Prefix, "must start with a slash and go on, such as /registry"))
	}
	if e.QuotaBackendBytes < minimumQuota {
		errs = append(errs, field.Invalid(at.Child("quotaBackendBytes"), e.QuotaBackendBytes, fmt.Sprintf("must be at least %d (64 MiB)", minimumQuota)))
	}
	return errs
}

func (a Audit) validate(at *field.Path) (errs field.ErrorList) {
	sink := a.LogPath != "" || a.WebhookConfigFile != ""
	if a.PolicyFile == "" && sink {
		errs = append(errs, field.Required(at.Child("policyFile"), "audit.logPath or audit.webhookConfigFile is set: nothing is audited without a policy"))
	}
	if a.PolicyFile != "" && !sink {
		errs = append(errs, field.Required(at.Child("logPath"), "audit.policyFile is set: say where to write to, \"-\" for standard output"))
	}
	errs = append(errs, inRange(at.Child("maxAgeDays"), a.MaxAgeDays, 0, 1<<20)...)
	errs = append(errs, inRange(at.Child("maxBackups"), a.MaxBackups, 0, 1<<20)...)
	errs = append(errs, inRange(at.Child("maxSizeMiB"), a.MaxSizeMiB, 1, 1<<20)...)
	return errs
}

func (l LeaderElection) validate(at *field.Path) (errs field.ErrorList) {
	errs = append(errs, positive(at.Child("retryPeriod"), l.RetryPeriod)...)
	if l.LeaseDuration.Duration <= l.RenewDeadline.Duration {
		errs = append(errs, field.Invalid(at.Child("leaseDuration"), l.LeaseDuration.Duration.String(), "must be longer than leaderElection.renewDeadline, "+l.RenewDeadline.Duration.String()))
	}
	if float64(l.RenewDeadline.Duration) <= renewJitter*float64(l.RetryPeriod.Duration) {
		errs = append(errs, field.Invalid(at.Child("renewDeadline"), l.RenewDeadline.Duration.String(), fmt.Sprintf("must be longer than %v times leaderElection.retryPeriod, %v", renewJitter, l.RetryPeriod.Duration)))
	}
	return errs
}

func validateSAN(at *field.Path, san string) field.ErrorList {
	if _, err := netip.ParseAddr(san); err == nil {
		return nil
	}
	if len(validation.IsDNS1123Subdomain(san)) == 0 || len(validation.IsWildcardDNS1123Subdomain(san)) == 0 {
		return nil
	}
	return field.ErrorList{field.Invalid(at, san, "must be an IP address or a DNS name in lower case, without scheme or port")}
}

func inRange(at *field.Path, value, low, high int) field.ErrorList {
	if value >= low && value <= high {
		return nil
	}
	return field.ErrorList{field.Invalid(at, value, fmt.Sprintf("must be from %d to %d", low, high))}
}

func positive(at *field.Path, d metav1.Duration) field.ErrorList {
	if d.Duration > 0 {
		return nil
	}
	return field.ErrorList{field.Invalid(at, d.Duration.String(), "must be more than 0, such as 1m")}
}

// reason is what the operating system said, without the path, which the field's error shows already.
func reason(err error) string {
	if path, ok := err.(*os.PathError); ok {
		return path.Err.Error()
	}
	return err.Error()
}
