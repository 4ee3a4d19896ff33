// Package mergepatch writes the difference between an object as it was read and
// as it should be, and nothing else: a controller that owns some fields of an
// object cannot overwrite the others', and what is already as it should be is not
// written at all. Every patch carries the UID of what it is based on, so that it
// never lands on a successor of the same name.
package mergepatch

import (
	"context"
	"encoding/json"
	"fmt"

	jsonpatch "gopkg.in/evanphx/json-patch.v4"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// Between returns the JSON merge patch that turns was into wanted, nil if they are the same.
// lock adds was's resourceVersion, so that the patch fails with a conflict on any other version:
// needed where the patch replaces a list that has several writers.
func Between(was, wanted client.Object, lock bool) ([]byte, error) {
	a, err := json.Marshal(was)
	if err != nil {
		return nil, fmt.Errorf("encoding %T %s: %w", was, client.ObjectKeyFromObject(was), err)
	}
	b, err := json.Marshal(wanted)
	if err != nil {
		return nil, fmt.Errorf("encoding %T %s: %w", wanted, client.ObjectKeyFromObject(wanted), err)
	}
	diff, err := jsonpatch.CreateMergePatch(a, b)
	if err != nil {
		return nil, fmt.Errorf("comparing %T %s: %w", was, client.ObjectKeyFromObject(was), err)
	}
	if string(diff) == "{}" {
		return nil, nil
	}
	version := ""
	if lock {
		version = was.GetResourceVersion()
	}
	return WithPreconditions(diff, was.GetUID(), version)
}

// WithPreconditions adds to a merge patch what it is based on.
func WithPreconditions(patch []byte, uid types.UID, resourceVersion string) ([]byte, error) {
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(patch, &fields); err != nil {
		return nil, err
	}
	var metadata map[string]json.RawMessage
	if raw, ok := fields["metadata"]; ok {
		if err := json.Unmarshal(raw, &metadata); err != nil {
			return nil, err
		}
	}
	if metadata == nil {
		metadata = map[string]json.RawMessage{}
	}
	for field, value := range map[string]string{"uid": string(uid), "resourceVersion": resourceVersion} {
		if value == "" {
			continue
		}
		raw, err := json.Marshal(value)
		if err != nil {
			return nil, err
		}
		metadata[field] = raw
	}
	raw, err := json.Marshal(metadata)
	if err != nil {
		return nil, err
	}
	fields["metadata"] = raw
	return json.Marshal(fields)
}

// Apply patches the object on the server from was to wanted, which afterwards is what the server
// holds. It tells whether there was anything to write.
func Apply(ctx context.Context, c client.Client, was, wanted client.Object, lock bool) (bool, error) {
	patch, err := Between(was, wanted, lock)
	if err != nil || patch == nil {
		return false, err
	}
	return true, c.Patch(ctx, wanted, client.RawPatch(types.MergePatchType, patch))
}

// ApplyStatus is Apply for the status subresource.
func ApplyStatus(ctx context.Context, c client.Client, was, wanted client.Object, lock bool) (bool, error) {
	patch, err := Between(was, wanted, lock)
	if err != nil || patch == nil {
		return false, err
	}
	return true, c.Status().Patch(ctx, wanted, client.RawPatch(types.MergePatchType, patch))
}
