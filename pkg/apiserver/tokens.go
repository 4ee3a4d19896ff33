package apiserver

import (
	"context"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/client-go/informers"
	corelisters "k8s.io/client-go/listers/core/v1"
	"k8s.io/kubernetes/pkg/serviceaccount"
)

// boundObjects looks up what a service-account token is bound to. Pods here are
// templates and nodes do not exist: no token can be bound to either.
type boundObjects struct {
	secrets         corelisters.SecretLister
	serviceAccounts corelisters.ServiceAccountLister
}

func tokenGetter(f informers.SharedInformerFactory) serviceaccount.ServiceAccountTokenGetter {
	return boundObjects{secrets: f.Core().V1().Secrets().Lister(), serviceAccounts: f.Core().V1().ServiceAccounts().Lister()}
}

func (b boundObjects) GetServiceAccount(namespace, name string) (*corev1.ServiceAccount, error) {
	return b.serviceAccounts.ServiceAccounts(namespace).Get(name)
}

func (b boundObjects) GetSecret(namespace, name string) (*corev1.Secret, error) {
	return b.secrets.Secrets(namespace).Get(name)
}

func (boundObjects) GetPod(_, name string) (*corev1.Pod, error) {
	return nil, apierrors.NewNotFound(corev1.Resource("pods"), name)
}

func (boundObjects) GetNode(name string) (*corev1.Node, error) {
	return nil, apierrors.NewNotFound(corev1.Resource("nodes"), name)
}

// secretReader reads Secrets from the cache that token authentication keeps anyway.
func secretReader(f informers.SharedInformerFactory) func(context.Context, string, string) (*corev1.Secret, error) {
	secrets := f.Core().V1().Secrets().Lister()
	return func(_ context.Context, namespace, name string) (*corev1.Secret, error) {
		return secrets.Secrets(namespace).Get(name)
	}
}
