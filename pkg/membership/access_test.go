package membership_test

import (
	"strings"
	"testing"

	authorizationv1 "k8s.io/api/authorization/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"atoll.dev/atoll/pkg/membership/connection"
)

// allowed asks the member whether the writer may do something, given as "verb resource[/subresource][.group]".
func allowed(t *testing.T, conn *connection.Connection, action string) bool {
	t.Helper()
	verb, rest, _ := strings.Cut(action, " ")
	resource, subresource, _ := strings.Cut(rest, "/")
	gr := schema.ParseGroupResource(resource)
	review, err := conn.Kube.AuthorizationV1().SelfSubjectAccessReviews().Create(t.Context(), &authorizationv1.SelfSubjectAccessReview{
		Spec: authorizationv1.SelfSubjectAccessReviewSpec{ResourceAttributes: &authorizationv1.ResourceAttributes{
			Verb: verb, Group: gr.Group, Resource: gr.Resource, Subresource: subresource}}}, metav1.CreateOptions{})
	must(t, err)
	return review.Status.Allowed
}
