package scheduler

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"sync/atomic"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/client-go/rest"

	workv1alpha2 "github.com/karmada-io/karmada/pkg/apis/work/v1alpha2"

	"atoll.dev/atoll/apis/scheduling/decision"
	"atoll.dev/atoll/pkg/scheduler/binding"
)

// applier has the API server apply a decision to a binding in one transaction. It
// returns errUnserved if the API server has no subresource for that.
type applier interface {
	apply(ctx context.Context, key binding.Key, d *decision.Decision) (*decision.Outcome, error)
}

// errUnserved says that the API server is not Atoll's, or an older one.
var errUnserved = fmt.Errorf("subresource %s is not served", decision.Subresource)

// write has a decision about the binding written down, and takes in what the binding is then.
func (s *Scheduler) write(ctx context.Context, b *binding.Binding, d *decision.Decision) error {
	key := binding.KeyOf(b.Object)
	d.Basis = decision.Basis{UID: b.Object.GetUID(), Generation: b.Object.GetGeneration(), LastScheduledTime: b.Status.LastScheduledTime}
	outcome, err := s.applier.apply(ctx, key, d)
	if err == errUnserved {
		return s.writeByPatches(ctx, b, d)
	}
	if err != nil {
		return fmt.Errorf("writing the decision about binding %s: %w", key, err)
	}
	if outcome.BasedOn != b.Object.GetResourceVersion() {
		return s.refresh(ctx, key) // somebody wrote in between what is no part of the basis
	}
	written := b.ShallowCopy()
	d.Apply(written.Object, written.Spec, written.Status)
	written.Object.SetGeneration(outcome.Generation)
	written.Object.SetResourceVersion(outcome.ResourceVersion)
	s.bindings.Assume(written.Object)
	return nil
}

// restApplier sends decisions to the API server.
type restApplier struct {
	client rest.Interface
	// unserved is until when, in Unix nanoseconds, the subresource is not asked for again.
	unserved atomic.Int64
}

// unservedFor is how long an API server without the subresource is not asked again;
// one that is being replaced by a newer one then gets its chance.
const unservedFor = time.Minute

func newRESTApplier(config *rest.Config, httpClient *http.Client) (*restApplier, error) {
	scheme := runtime.NewScheme()
	if err := decision.AddToScheme(scheme); err != nil {
		return nil, err
	}
	metav1.AddToGroupVersion(scheme, workv1alpha2.SchemeGroupVersion)
	config = rest.CopyConfig(config)
	config.APIPath, config.GroupVersion = "/apis", &workv1alpha2.SchemeGroupVersion
	config.ContentType, config.AcceptContentTypes = runtime.ContentTypeJSON, runtime.ContentTypeJSON
	config.NegotiatedSerializer = serializer.NewCodecFactory(scheme).WithoutConversion()
	client, err := rest.RESTClientForConfigAndClient(config, httpClient)
	if err != nil {
		return nil, fmt.Errorf("creating the client that writes decisions: %w", err)
	}
	return &restApplier{client: client}, nil
}

func (a *restApplier) apply(ctx context.Context, key binding.Key, d *decision.Decision) (*decision.Outcome, error) {
	if time.Now().UnixNano() < a.unserved.Load() {
		return nil, errUnserved
	}
	d.SetGroupVersionKind(decision.SchemeGroupVersion.WithKind("Decision"))
	answer := &decision.Decision{}
	err := a.client.Post().NamespaceIfScoped(key.Namespace, key.Namespace != "").Resource(resourceOf(key)).Name(key.Name).
		SubResource(decision.Subresource).Body(d).Do(ctx).Into(answer)
	switch {
	case apierrors.IsNotFound(err) && !a.served(ctx): // of the binding as of the subresource: custom resources tell them not apart
		a.unserved.Store(time.Now().Add(unservedFor).UnixNano())
		return nil, errUnserved
	case err != nil:
		return nil, err
	case answer.Outcome == nil:
		return nil, fmt.Errorf("the API server's answer has no outcome")
	}
	return answer.Outcome, nil
}

func resourceOf(key binding.Key) string {
	if key.Namespace == "" {
		return workv1alpha2.ResourcePluralClusterResourceBinding
	}
	return workv1alpha2.ResourcePluralResourceBinding
}

// served tells whether discovery knows the subresource, true if it cannot tell.
func (a *restApplier) served(ctx context.Context) bool {
	raw, err := a.client.Get().AbsPath("/apis", workv1alpha2.SchemeGroupVersion.Group, workv1alpha2.SchemeGroupVersion.Version).Do(ctx).Raw()
	if err != nil {
		return true
	}
	var known metav1.APIResourceList
	return json.Unmarshal(raw, &known) != nil || slices.ContainsFunc(known.APIResources, func(r metav1.APIResource) bool {
		return r.Name == workv1alpha2.ResourcePluralResourceBinding+"/"+decision.Subresource
	})
}
