package testbed

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	auditv1 "k8s.io/apiserver/pkg/apis/audit/v1"
)

// Write is one request that changed, or could have changed, an object of a
// member.
type Write struct {
	// Verb is create, update, patch, delete or deletecollection.
	Verb string
	// User and UserAgent tell who it was.
	User, UserAgent string
	// Group, Resource, Subresource, Namespace and Name tell what was written.
	// A create under a generated name may leave Name empty.
	Group, Resource, Subresource, Namespace, Name string
	// Code is the HTTP status of the answer.
	Code int32
}

func (w Write) String() string {
	resource := w.Resource
	if w.Group != "" {
		resource += "." + w.Group
	}
	if w.Subresource != "" {
		resource += "/" + w.Subresource
	}
	return fmt.Sprintf("%s %s %s/%s by %s (%s): %d", w.Verb, resource, w.Namespace, w.Name, w.User, w.UserAgent, w.Code)
}

// AuditMark is a place in a member's audit log.
type AuditMark int64

// AuditMark returns the present end of the member's audit log.
func (m *Member) AuditMark() (AuditMark, error) {
	info, err := os.Stat(m.AuditLog)
	if err != nil {
		return 0, fmt.Errorf("%s: audit log: %w", m.Name, err)
	}
	return AuditMark(info.Size()), nil
}

// WritesSince returns, in order, the writes from outside the member since the
// mark: all but those of its own Kubernetes and KWOK. Requests that store
// nothing by their nature (dry runs, access reviews) are left out; refused ones
// and those that changed nothing are not.
func (m *Member) WritesSince(mark AuditMark) ([]Write, error) {
	file, err := os.Open(m.AuditLog)
	if err != nil {
		return nil, fmt.Errorf("%s: audit log: %w", m.Name, err)
	}
	defer file.Close()
	if _, err := file.Seek(int64(mark), io.SeekStart); err != nil {
		return nil, err
	}
	var writes []Write
	reader := bufio.NewReader(file)
	for {
		line, err := reader.ReadBytes('\n')
		if err == io.EOF {
			return writes, nil // what follows the last newline is being written
		}
		if err != nil {
			return nil, err
		}
		var event auditv1.Event
		if err := json.Unmarshal(bytes.TrimSpace(line), &event); err != nil {
			return nil, fmt.Errorf("%s: audit log: %w", m.Name, err)
		}
		if write, ok := foreignWrite(&event); ok {
			writes = append(writes, write)
		}
	}
}

// storeNothing are groups whose creates are questions.
var storeNothing = []string{"authorization.k8s.io", "authentication.k8s.io"}

func foreignWrite(event *auditv1.Event) (Write, bool) {
	user := event.User.Username
	own := strings.HasPrefix(user, BedUserPrefix) || strings.HasPrefix(user, "system:") && !strings.HasPrefix(user, "system:serviceaccount:")
	if own || event.Stage != auditv1.StageResponseComplete || event.ObjectRef == nil ||
		slices.Contains(storeNothing, event.ObjectRef.APIGroup) || strings.Contains(event.RequestURI, "dryRun=All") {
		return Write{}, false
	}
	write := Write{
		Verb: event.Verb, User: user, UserAgent: event.UserAgent,
		Group: event.ObjectRef.APIGroup, Resource: event.ObjectRef.Resource, Subresource: event.ObjectRef.Subresource,
		Namespace: event.ObjectRef.Namespace, Name: event.ObjectRef.Name,
	}
	if event.ResponseStatus != nil {
		write.Code = event.ResponseStatus.Code
	}
	return write, true
}
