package placement

import (
	"context"
	"errors"
	"fmt"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/rest"
	toolscache "k8s.io/client-go/tools/cache"
	watchtools "k8s.io/client-go/tools/watch"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"atoll.dev/atoll/apis/scheduling/v1alpha1"
)

// cleanup bounds how long a question that is done with may take to be deleted.
const cleanup = 5 * time.Second

// NoAnswerError says that no scheduler answered in time.
type NoAnswerError struct{ After time.Duration }

func (e *NoAnswerError) Error() string {
	return fmt.Sprintf("no scheduler answered within %s; is a scheduler running? kubectl get lease -n atoll-system atoll-scheduler", e.After)
}

// NewClient returns a client that knows PlacementReviews.
func NewClient(config *rest.Config) (client.WithWatch, error) {
	scheme := runtime.NewScheme()
	if err := v1alpha1.AddToScheme(scheme); err != nil {
		return nil, err
	}
	mapper := meta.NewDefaultRESTMapper(nil)
	mapper.Add(v1alpha1.SchemeGroupVersion.WithKind("PlacementReview"), meta.RESTScopeRoot)
	return client.NewWithWatch(config, client.Options{Scheme: scheme, Mapper: mapper})
}

// Ask asks the scheduler and returns its answer. The question is deleted before it returns, whatever happens.
func Ask(ctx context.Context, c client.WithWatch, spec v1alpha1.PlacementReviewSpec, timeout time.Duration) (status v1alpha1.PlacementReviewStatus, err error) {
	review := &v1alpha1.PlacementReview{ObjectMeta: metav1.ObjectMeta{GenerateName: "atoll-"}, Spec: spec}
	if err := c.Create(ctx, review); err != nil {
		return status, explainRefusal(err)
	}
	defer func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), cleanup)
		defer cancel()
		if gone := client.IgnoreNotFound(c.Delete(ctx, review)); gone != nil && err == nil && !apierrors.IsForbidden(gone) {
			err = fmt.Errorf("deleting the question, which the scheduler does after ten minutes: %w", gone)
		}
	}()
	waiting, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	var last *v1alpha1.PlacementReview
	_, err = watchtools.UntilWithSync(waiting, lister(c, review.Name), &v1alpha1.PlacementReview{}, nil, func(e watch.Event) (bool, error) {
		if e.Type == watch.Deleted {
			return false, errors.New("the question was deleted before it was answered; ask again")
		}
		last, _ = e.Object.(*v1alpha1.PlacementReview)
		return last != nil && last.UID == review.UID && answered(last), nil
	})
	switch {
	case ctx.Err() != nil:
		return status, ctx.Err()
	case waiting.Err() != nil:
		return status, &NoAnswerError{timeout}
	case err != nil:
		return status, fmt.Errorf("waiting for the scheduler's answer: %w", err)
	case last.Status.Phase == v1alpha1.ReviewFailed:
		return status, errors.New(last.Status.Message)
	}
	return last.Status, nil
}

func answered(r *v1alpha1.PlacementReview) bool {
	return r.Status.Phase == v1alpha1.ReviewCompleted || r.Status.Phase == v1alpha1.ReviewFailed
}

func lister(c client.WithWatch, name string) *toolscache.ListWatch {
	selector := func(o metav1.ListOptions) *client.ListOptions {
		o.FieldSelector = fields.OneTermEqualSelector("metadata.name", name).String()
		return &client.ListOptions{Raw: &o}
	}
	return &toolscache.ListWatch{
		ListWithContextFunc: func(ctx context.Context, o metav1.ListOptions) (runtime.Object, error) {
			list := &v1alpha1.PlacementReviewList{}
			return list, c.List(ctx, list, selector(o))
		},
		WatchFuncWithContext: func(ctx context.Context, o metav1.ListOptions) (watch.Interface, error) {
			return c.Watch(ctx, &v1alpha1.PlacementReviewList{}, selector(o))
		},
	}
}

// explainRefusal says what is behind an API server that does not know the kind.
func explainRefusal(err error) error {
	if apierrors.IsNotFound(err) {
		return fmt.Errorf("the control plane does not serve placementreviews.%s: it is older than this atoll, or not Atoll", v1alpha1.GroupName)
	}
	return err
}
