package nativekinds

import (
	"context"
	"net/http"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apiserver/pkg/registry/rest"

	"github.com/karmada-io/karmada/pkg/apis/search"
)

// reasonNotImplemented is the reason of the Status that notImplemented answers.
const reasonNotImplemented metav1.StatusReason = "NotImplemented"

// notImplemented stands for a resource of Karmada's API that is known and not
// served yet: it answers every request with 501 and a Status that says so.
type notImplemented struct {
	singular  string
	methods   []string
	newObject func() runtime.Object
}

var (
	_ rest.Connecter            = &notImplemented{}
	_ rest.Scoper               = &notImplemented{}
	_ rest.SingularNameProvider = &notImplemented{}
)

// searchConnecters are the resources of the search group that have no storage.
func searchConnecters() map[string]rest.Storage {
	return map[string]rest.Storage{
		"search": &notImplemented{singular: "search", methods: []string{http.MethodGet},
			newObject: func() runtime.Object { return &search.Search{} }},
		"proxying": &notImplemented{singular: "proxying", methods: connectMethods,
			newObject: func() runtime.Object { return &search.Proxying{} }},
	}
}

func (n *notImplemented) New() runtime.Object      { return n.newObject() }
func (n *notImplemented) Destroy()                 {}
func (n *notImplemented) NamespaceScoped() bool    { return false }
func (n *notImplemented) GetSingularName() string  { return n.singular }
func (n *notImplemented) ConnectMethods() []string { return n.methods }

func (n *notImplemented) NewConnectOptions() (runtime.Object, bool, string) { return nil, true, "" }

func (n *notImplemented) Connect(_ context.Context, name string, _ runtime.Object, _ rest.Responder) (http.Handler, error) {
	return nil, &apierrors.StatusError{ErrStatus: metav1.Status{
		Status: metav1.StatusFailure,
		Code:   http.StatusNotImplemented,
		Reason: reasonNotImplemented,
		Message: n.singular + "/" + name + " of " + search.GroupName +
			" is not implemented by this Atoll version; use clusters/NAME/proxy of cluster.karmada.io to reach one member",
	}}
}
