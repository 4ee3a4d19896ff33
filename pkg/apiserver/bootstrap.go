package apiserver

import (
	"context"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/uuid"
	"k8s.io/apimachinery/pkg/util/wait"
	genericapiserver "k8s.io/apiserver/pkg/server"
	"k8s.io/client-go/kubernetes"
	"k8s.io/klog/v2"
	schedulingv1 "k8s.io/kubernetes/pkg/apis/scheduling/v1"

	"atoll.dev/atoll/apis/karmada/wellknown"
)

// systemNamespaces exist on every Atoll besides Kubernetes' own.
var systemNamespaces = []string{wellknown.SystemNamespace, wellknown.ClusterNamespace, wellknown.KarmadaSystemNamespace}

// bootstrapRetry is how long the bootstrap waits before it tries again what failed.
const bootstrapRetry = 50 * time.Millisecond

// addBootstrap makes the server write, once it serves, what the other roles and the
// CLI rely on: the identity of the control plane, Kubernetes' default roles and the
// rights of its own. The server is not ready before that. Kubernetes' own hooks for
// roles and priority classes are left out (see storageOnly): each starts with a
// second of sleep.
func addBootstrap(s *genericapiserver.GenericAPIServer) error {
	return s.AddPostStartHook("atoll-bootstrap", func(hook genericapiserver.PostStartHookContext) error {
		client, err := kubernetes.NewForConfig(hook.LoopbackClientConfig)
		if err != nil {
			return fmt.Errorf("creating the bootstrap client: %w", err)
		}
		var last error
		err = wait.PollUntilContextTimeout(hook, bootstrapRetry, time.Minute, true, func(ctx context.Context) (bool, error) {
			if last = bootstrap(ctx, client); last != nil {
				klog.FromContext(ctx).V(2).Info("Bootstrap is tried again", "err", last)
			}
			return last == nil, nil
		})
		if err != nil {
			return fmt.Errorf("writing the control plane's identity and roles: %w", last)
		}
		return nil
	})
}

func bootstrap(ctx context.Context, client kubernetes.Interface) error {
	if err := ensurePlaneIdentity(ctx, client); err != nil {
		return err
	}
	if err := ensurePriorityClasses(ctx, client); err != nil {
		return err
	}
	return ensureRoles(ctx, client)
}

// ensurePriorityClasses writes those that every Kubernetes API server has.
func ensurePriorityClasses(ctx context.Context, client kubernetes.Interface) error {
	for _, class := range schedulingv1.SystemPriorityClasses() {
		_, err := client.SchedulingV1().PriorityClasses().Get(ctx, class.Name, metav1.GetOptions{})
		if apierrors.IsNotFound(err) {
			_, err = client.SchedulingV1().PriorityClasses().Create(ctx, class, metav1.CreateOptions{})
		}
		if err != nil && !apierrors.IsAlreadyExists(err) {
			return fmt.Errorf("PriorityClass %s: %w", class.Name, err)
		}
	}
	return nil
}

// ensurePlaneIdentity writes ConfigMap atoll-system/plane if it is not there. Several
// API servers may try at once; the first one wins and nobody overwrites it.
func ensurePlaneIdentity(ctx context.Context, client kubernetes.Interface) error {
	maps := client.CoreV1().ConfigMaps(wellknown.SystemNamespace)
	_, err := maps.Get(ctx, wellknown.PlaneConfigMap, metav1.GetOptions{})
	if !apierrors.IsNotFound(err) {
		return err
	}
	for _, namespace := range append([]string{metav1.NamespaceSystem}, systemNamespaces...) {
		_, err := client.CoreV1().Namespaces().Create(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: namespace}}, metav1.CreateOptions{})
		if err != nil && !apierrors.IsAlreadyExists(err) {
			return fmt.Errorf("creating namespace %s: %w", namespace, err)
		}
	}
	system, err := client.CoreV1().Namespaces().Get(ctx, metav1.NamespaceSystem, metav1.GetOptions{})
	if err != nil {
		return fmt.Errorf("reading namespace %s: %w", metav1.NamespaceSystem, err)
	}
	_, err = maps.Create(ctx, &corev1.ConfigMap{
		ObjectMeta: metav1.ObjectMeta{Name: wellknown.PlaneConfigMap, Namespace: wellknown.SystemNamespace},
		Data: map[string]string{
			wellknown.PlaneUIDKey:     string(system.UID),
			wellknown.PlaneEpochKey:   "1",
			wellknown.PlaneClaimIDKey: string(uuid.NewUUID()),
		},
	}, metav1.CreateOptions{})
	if apierrors.IsAlreadyExists(err) {
		return nil
	}
	return err
}
