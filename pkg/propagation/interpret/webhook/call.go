package webhook

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	configv1alpha1 "github.com/karmada-io/karmada/pkg/apis/config/v1alpha1"
	workv1alpha2 "github.com/karmada-io/karmada/pkg/apis/work/v1alpha2"
	jsonpatch "gopkg.in/evanphx/json-patch.v4"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/uuid"
	"k8s.io/utils/ptr"
)

const (
	// defaultTimeout is that of a webhook that names none.
	defaultTimeout = 10 * time.Second
	// costly is how long a failing call must have taken to count as one that holds a worker.
	costly = 500 * time.Millisecond
)

// question is what a webhook is asked.
type question struct {
	operation configv1alpha1.InterpreterOperation
	object    *unstructured.Unstructured
	observed  *unstructured.Unstructured
	replicas  int32
	items     []workv1alpha2.AggregatedStatusItem
}

// ask returns the answer to a question, an error if there is none or if it is not a success.
func (h *hook) ask(ctx context.Context, q question) (*configv1alpha1.ResourceInterpreterResponse, error) {
	var response *configv1alpha1.ResourceInterpreterResponse
	err := h.breaker.Do(func() (bool, error) {
		start := h.clock.Now()
		var err error
		response, err = h.call(ctx, q)
		return h.clock.Since(start) > costly && ctx.Err() == nil, err
	})
	if err == nil && !response.Successful {
		if response.Status == nil {
			err = errors.New("is not successful and does not say why: response.status is missing")
		} else {
			err = fmt.Errorf("is not successful: %s (code %d)", response.Status.Message, response.Status.Code)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("interpreter webhook %s: %s: %w", h.name, q.operation, err)
	}
	return response, nil
}

func (h *hook) call(ctx context.Context, q question) (*configv1alpha1.ResourceInterpreterResponse, error) {
	if !slices.Contains(h.InterpreterContextVersions, configv1alpha1.GroupVersion.Version) {
		return nil, fmt.Errorf("interpreterContextVersions is %q, must contain %s", h.InterpreterContextVersions, configv1alpha1.GroupVersion.Version)
	}
	client, err := h.clients.of(h)
	if err != nil {
		return nil, err
	}
	timeout := defaultTimeout
	if h.TimeoutSeconds != nil {
		timeout = time.Duration(*h.TimeoutSeconds) * time.Second
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	request := q.request()
	answer := &configv1alpha1.ResourceInterpreterContext{}
	if err := client.Post().Timeout(timeout).MaxRetries(0).Body(request).Do(ctx).Into(answer); err != nil {
		return nil, err
	}
	switch {
	case answer.Response == nil:
		return nil, errors.New("the answer has no response")
	case answer.Response.UID != request.Request.UID:
		return nil, fmt.Errorf("response.uid is %q, must be the request's, %q", answer.Response.UID, request.Request.UID)
	}
	return answer.Response, nil
}

func (q question) request() *configv1alpha1.ResourceInterpreterContext {
	kind := q.object.GroupVersionKind()
	request := &configv1alpha1.ResourceInterpreterRequest{
		UID: uuid.NewUUID(), Kind: metav1.GroupVersionKind{Group: kind.Group, Version: kind.Version, Kind: kind.Kind},
		Name: q.object.GetName(), Namespace: q.object.GetNamespace(), Operation: q.operation,
		Object: runtime.RawExtension{Object: q.object}, DesiredReplicas: ptr.To(q.replicas), AggregatedStatus: q.items,
	}
	if q.observed != nil {
		request.ObservedObject = &runtime.RawExtension{Object: q.observed}
	}
	return &configv1alpha1.ResourceInterpreterContext{Request: request}
}

// patched asks for a patch and applies it to the question's object.
func (h *hook) patched(ctx context.Context, q question) (*unstructured.Unstructured, error) {
	response, err := h.ask(ctx, q)
	if err != nil {
		return nil, err
	}
	object, err := patched(q.object, response)
	if err != nil {
		return nil, fmt.Errorf("interpreter webhook %s: %s: %w", h.name, q.operation, err)
	}
	return object, nil
}

func patched(object *unstructured.Unstructured, response *configv1alpha1.ResourceInterpreterResponse) (*unstructured.Unstructured, error) {
	switch {
	case len(response.Patch) == 0 && response.PatchType == nil:
		return object, nil
	case response.PatchType == nil:
		return nil, errors.New("response.patchType is missing")
	case *response.PatchType != configv1alpha1.PatchTypeJSONPatch:
		return nil, fmt.Errorf("response.patchType is %q, must be %s", *response.PatchType, configv1alpha1.PatchTypeJSONPatch)
	case len(response.Patch) == 0:
		return nil, errors.New("response.patch is missing")
	}
	patch, err := jsonpatch.DecodePatch(response.Patch)
	if err != nil {
		return nil, fmt.Errorf("response.patch is not a JSON patch: %w", err)
	}
	raw, err := object.MarshalJSON()
	if err != nil {
		return nil, fmt.Errorf("encoding the object: %w", err)
	}
	if raw, err = patch.Apply(raw); err != nil {
		return nil, fmt.Errorf("response.patch does not apply: %w", err)
	}
	changed := &unstructured.Unstructured{}
	if err := changed.UnmarshalJSON(raw); err != nil {
		return nil, fmt.Errorf("response.patch does not leave an object: %w", err)
	}
	return changed, nil
}
