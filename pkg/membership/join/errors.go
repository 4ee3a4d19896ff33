package join

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"strings"
	"syscall"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
)

// Kind classifies what went wrong, for exit codes and for programs.
type Kind int

const (
	// Internal is anything not listed below.
	Internal Kind = iota
	// Usage: a name or a flag is not acceptable.
	Usage
	// BadKubeconfig: the kubeconfig is missing, malformed or has no such context.
	BadKubeconfig
	// Unreachable: no answer, or the TLS handshake failed.
	Unreachable
	// Denied: the credential is refused or lacks a permission.
	Denied
	// Taken: the name, the cluster or the member's ownership belongs to somebody else.
	Taken
	// TimedOut: what was asked for is under way but did not finish in time.
	TimedOut
)

// Error is one sentence for the user, with its kind. The cause is kept for errors.Is and not repeated in the text.
type Error struct {
	Kind  Kind
	Text  string
	Cause error
}

func (e *Error) Error() string { return e.Text }
func (e *Error) Unwrap() error { return e.Cause }

// KindOf returns the kind of an error from this package, Internal for others.
func KindOf(err error) Kind {
	if e := new(Error); errors.As(err, &e) {
		return e.Kind
	}
	return Internal
}

func failed(kind Kind, cause error, format string, args ...any) *Error {
	return &Error{Kind: kind, Cause: cause, Text: fmt.Sprintf(format, args...)}
}

// explain turns the error of a request into one sentence. who is "member NAME" or "the control
// plane", doing is what was attempted, remedy what the user can do about a refused credential.
func explain(err error, who, endpoint, doing, remedy string) error {
	if err == nil {
		return nil
	}
	if e := new(Error); errors.As(err, &e) {
		return err
	}
	var (
		unknownCA  x509.UnknownAuthorityError
		hostname   x509.HostnameError
		invalid    x509.CertificateInvalidError
		record     tls.RecordHeaderError
		tlsOther   *tls.CertificateVerificationError
		dns        *net.DNSError
		urlErr     *url.Error
		pathErr    *os.PathError
		netTimeout net.Error
	)
	switch {
	case errors.As(err, &unknownCA):
		return failed(Unreachable, err, "%s at %s presents a certificate of an unknown authority; check certificate-authority in its kubeconfig", who, endpoint)
	case errors.As(err, &hostname):
		return failed(Unreachable, err, "%s at %s presents a certificate for other names (%v); use an address that the certificate covers", who, endpoint, hostname.Error())
	case errors.As(err, &invalid):
		return failed(Unreachable, err, "%s at %s presents an invalid certificate: %v", who, endpoint, invalid.Error())
	case errors.As(err, &tlsOther):
		return failed(Unreachable, err, "%s at %s presents a certificate that cannot be verified: %v", who, endpoint, tlsOther.Err)
	case errors.As(err, &record), strings.Contains(err.Error(), "server gave HTTP response to HTTPS client"):
		return failed(Unreachable, err, "%s at %s does not speak TLS; check the server address in its kubeconfig", who, endpoint)
	case errors.As(err, &dns):
		return failed(Unreachable, err, "%s cannot be reached at %s: the name %s does not resolve", who, endpoint, dns.Name)
	case errors.Is(err, syscall.ECONNREFUSED):
		return failed(Unreachable, err, "%s cannot be reached at %s: connection refused", who, endpoint)
	case errors.Is(err, context.Canceled):
		return failed(Internal, err, "interrupted while %s", doing)
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &netTimeout) && netTimeout.Timeout():
		return failed(Unreachable, err, "%s does not answer at %s (timed out while %s)", who, endpoint, doing)
	case apierrors.IsUnauthorized(err):
		return failed(Denied, err, "%s at %s refuses the credential; %s", who, endpoint, remedy)
	case apierrors.IsForbidden(err):
		return failed(Denied, err, "%s at %s forbids %s with this credential: %s", who, endpoint, doing, apiMessage(err))
	case errors.As(err, &pathErr):
		return failed(BadKubeconfig, err, "the kubeconfig of %s names a file that cannot be read: %v", who, pathErr)
	case errors.As(err, &urlErr):
		return failed(Unreachable, err, "%s cannot be reached at %s: %v", who, endpoint, urlErr.Err)
	}
	return failed(Internal, err, "%s %s failed: %v", doing, "on "+who, err)
}

// apiMessage returns the API server's own words.
func apiMessage(err error) string {
	if s := apierrors.APIStatus(nil); errors.As(err, &s) {
		return s.Status().Message
	}
	return err.Error()
}

// ExplainPlane turns the failure of a request to the control plane into one sentence, so that every command
// tells the same thing in the same words. Answers of its API server that are no matter of access stay as they are.
func ExplainPlane(err error, endpoint, doing string) error {
	explained := explain(err, "the control plane", endpoint, doing, "log in to the control plane again")
	if KindOf(explained) == Internal {
		return err
	}
	return explained
}
