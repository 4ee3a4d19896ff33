package join

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	clusterv1alpha1 "github.com/karmada-io/karmada/pkg/apis/cluster/v1alpha1"
	"github.com/karmada-io/karmada/pkg/apis/cluster/validation"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/rest"

	"atoll.dev/atoll/apis/karmada/wellknown"
	"atoll.dev/atoll/pkg/membership/identity"
)

// LeaveRequest says what to unjoin.
type LeaveRequest struct {
	// Name of the Cluster object.
	Name string
	// Plane is the user's credential for the control plane.
	Plane *rest.Config
	// Member is the user's credential for the member, nil to clean the member with the claimer's credential.
	Member *rest.Config
	// Force unjoins a member that cannot be cleaned up, and says what stays behind in it.
	Force bool
	// Timeout bounds waiting for the control plane to remove what it dispatched. Default DefaultTimeout.
	Timeout time.Duration
	// DryRun checks everything and writes nothing.
	DryRun bool
	// Report, if set, gets one line for each thing done.
	Report func(line string)
}

// LeaveResult says what Unjoin did.
type LeaveResult struct {
	Cluster string   `json:"cluster"`
	DryRun  bool     `json:"dryRun,omitempty"`
	Changes []Change `json:"changes"`
	// LeftBehind lists what remains in the member because it could not be reached, and Remedy how to remove it.
	LeftBehind []string `json:"leftBehind,omitempty"`
	Remedy     string   `json:"remedy,omitempty"`
}

// cleanTimeout bounds cleaning up the member, after its Cluster is gone.
const cleanTimeout = 20 * time.Second

// Unjoin lets a cluster go, in this order:
//
//  1. control plane: delete the Cluster; its controllers remove from the member what was dispatched,
//     then the works, the execution namespace and the finalizer
//  2. member: remove our identities, their roles and the ownership object
//  3. control plane: remove the credentials
//
// A Cluster that is gone already is fine if Member is given: the rest is done then. The member is
// touched only if it is the cluster that was joined and this control plane owns it.
// Errors are *Error; with kind TimedOut the removal goes on in the control plane.
func Unjoin(ctx context.Context, req LeaveRequest) (*LeaveResult, error) {
	if msgs := validation.ValidateClusterName(req.Name); len(msgs) > 0 {
		return nil, failed(Usage, nil, "cluster name %q is invalid: %s", req.Name, strings.Join(msgs, "; "))
	}
	if req.Timeout <= 0 {
		req.Timeout = DefaultTimeout
	}
	if req.Report == nil {
		req.Report = func(string) {}
	}
	p, err := openPlane(ctx, req.Plane)
	if err != nil {
		return nil, err
	}
	l := &leaving{run: run{report: req.Report, dryRun: req.DryRun}, req: &req, plane: p, res: &LeaveResult{Cluster: req.Name, DryRun: req.DryRun}}
	err = l.leave(ctx)
	l.res.Changes = l.changes
	return l.res, err
}

// leaving is one call of Unjoin.
type leaving struct {
	run
	req   *LeaveRequest
	plane *controlPlane
	res   *LeaveResult
}

func (l *leaving) leave(ctx context.Context) error {
	clusters := l.plane.karmada.ClusterV1alpha1().Clusters()
	cluster, err := clusters.Get(ctx, l.req.Name, metav1.GetOptions{})
	gone := apierrors.IsNotFound(err)
	if err != nil && !gone {
		return l.explainPlane(err, "reading the cluster")
	}
	if gone && l.req.Member == nil {
		return failed(Usage, err, "no cluster %s is joined (to clean up a member whose Cluster is gone, add --cluster-kubeconfig)", l.req.Name)
	}
	if !gone && cluster.Spec.SyncMode == clusterv1alpha1.Pull {
		return failed(Usage, nil, "cluster %s is in pull mode; unregister it from the member's side", l.req.Name)
	}
	member, err := l.member(ctx, cluster, gone)
	// A member that is not the one that was joined is a mistake, which force does not mend.
	if err != nil && (!l.req.Force || KindOf(err) == Taken || KindOf(err) == Usage) {
		return err
	}
	if !gone {
		if err := l.deleteCluster(ctx, cluster); err != nil {
			return err
		}
	}
	if member == nil {
		l.leaveBehind(cluster, err)
	} else if err := l.cleanMember(ctx, member); err != nil {
		if !l.req.Force {
			return failed(KindOf(err), err, "cluster %s left the control plane, but the member could not be cleaned up: %v; run: atoll unjoin %s --cluster-kubeconfig FILE",
				l.req.Name, err, l.req.Name)
		}
		l.leaveBehind(cluster, err)
	}
	return l.deleteCredentials(ctx)
}

func (l *leaving) explainPlane(err error, doing string) error {
	return explain(err, "the control plane", l.plane.endpoint, doing, "log in to the control plane again")
}

// member opens the member with the user's credential or the claimer's, and makes sure that it is
// the cluster that was joined. It is opened before anything is deleted, since the claimer's
// credential goes with the Cluster.
func (l *leaving) member(ctx context.Context, cluster *clusterv1alpha1.Cluster, gone bool) (*memberCluster, error) {
	config := l.req.Member
	if config == nil {
		var err error
		if config, err = l.claimerConfig(ctx, cluster); err != nil || config == nil {
			return nil, err
		}
	}
	m, err := openMember(ctx, l.req.Name, config)
	if err != nil {
		if e := new(Error); errors.As(err, &e) && e.Kind != Usage && !l.req.Force {
			return nil, &Error{Kind: e.Kind, Cause: e, Text: e.Text + "; to unjoin it without cleaning it up, add --force"}
		}
		return nil, err
	}
	if m.id == l.plane.id || m.id == string(l.plane.claim.PlaneUID) {
		return nil, failed(Taken, nil, "%s is the control plane itself; nothing was done", m.config.Host)
	}
	if !gone && cluster.Spec.ID != "" && m.id != cluster.Spec.ID {
		return nil, failed(Taken, nil, "%s is not the cluster that was joined as %s (UID %s, this one is %s); nothing was done", m.config.Host, l.req.Name, cluster.Spec.ID, m.id)
	}
	return m, nil
}

// claimerConfig returns nil without an error for a member that has no claimer (karmadactl joined it):
// there is nothing of ours in it.
func (l *leaving) claimerConfig(ctx context.Context, cluster *clusterv1alpha1.Cluster) (*rest.Config, error) {
	secret := func(name string) (map[string][]byte, error) {
		s, err := l.plane.kube.CoreV1().Secrets(wellknown.ClusterNamespace).Get(ctx, name, metav1.GetOptions{})
		if apierrors.IsNotFound(err) {
			return nil, nil
		}
		if err != nil {
			return nil, l.explainPlane(err, "reading the member's credential")
		}
		return s.Data, nil
	}
	claimer, err := secret(identity.ClaimerSecret(l.req.Name))
	if err != nil || claimer == nil {
		return nil, err
	}
	writer, err := secret(l.req.Name)
	if err != nil {
		return nil, err
	}
	config := &rest.Config{Host: cluster.Spec.APIEndpoint, BearerToken: string(claimer[clusterv1alpha1.SecretTokenKey]),
		TLSClientConfig: rest.TLSClientConfig{Insecure: cluster.Spec.InsecureSkipTLSVerification}}
	if !config.Insecure {
		config.CAData = writer[clusterv1alpha1.SecretCADataKey]
	}
	if err := setProxy(config, cluster.Spec.ProxyURL); err != nil {
		return nil, failed(Usage, nil, "spec.proxyURL of Cluster %s is not a URL", cluster.Name)
	}
	return config, nil
}

// deleteCluster deletes the Cluster and waits until it is gone.
func (l *leaving) deleteCluster(ctx context.Context, cluster *clusterv1alpha1.Cluster) error {
	object := "Cluster " + cluster.Name
	if l.dryRun {
		l.did(inPlane, "deleted", object)
		return nil
	}
	if cluster.DeletionTimestamp == nil {
		err := l.plane.karmada.ClusterV1alpha1().Clusters().Delete(ctx, cluster.Name, metav1.DeleteOptions{Preconditions: &metav1.Preconditions{UID: &cluster.UID}})
		if err != nil && !apierrors.IsNotFound(err) {
			return l.explainPlane(err, "deleting the cluster")
		}
	}
	l.report("control plane: waiting for the works of " + cluster.Name + " to leave the member")
	waitCtx, cancel := context.WithTimeout(ctx, l.req.Timeout)
	defer cancel()
	abandon := l.req.Force && !meta.IsStatusConditionTrue(cluster.Status.Conditions, clusterv1alpha1.ClusterConditionReady)
	err := l.awaitGone(waitCtx, cluster, abandon)
	if err != nil && l.req.Force && !abandon && ctx.Err() == nil {
		// The member looked alive but did not let go: give it up.
		forceCtx, cancelForce := context.WithTimeout(ctx, l.req.Timeout)
		defer cancelForce()
		err = l.awaitGone(forceCtx, cluster, true)
	}
	if err != nil {
		if ctx.Err() != nil {
			return failed(Internal, ctx.Err(), "interrupted; cluster %s goes on being removed, run the same command again to finish", cluster.Name)
		}
		remedy := "run the same command again to go on waiting, or add --force to give the member up"
		if l.req.Force {
			remedy = "run the same command again to go on waiting"
		}
		return failed(TimedOut, err, "cluster %s is not gone after %s: %s; %s", cluster.Name, l.req.Timeout, l.remaining(ctx, cluster.Name), remedy)
	}
	l.did(inPlane, "deleted", object)
	return nil
}

// awaitGone waits until the Cluster is gone. If abandon is set it takes away the finalizers by which works
// wait for the member to be cleaned, noting what they held.
func (l *leaving) awaitGone(ctx context.Context, cluster *clusterv1alpha1.Cluster, abandon bool) error {
	return wait.PollUntilContextCancel(ctx, 100*time.Millisecond, true, func(ctx context.Context) (bool, error) {
		if abandon {
			if err := l.abandonWorks(ctx, cluster.Name); err != nil {
				return false, err
			}
		}
		is, err := l.plane.karmada.ClusterV1alpha1().Clusters().Get(ctx, cluster.Name, metav1.GetOptions{})
		return apierrors.IsNotFound(err) || (err == nil && is.UID != cluster.UID), nil
	})
}

// remaining says in a few words what a removal waits for.
func (l *leaving) remaining(ctx context.Context, name string) string {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	works, err := l.plane.karmada.WorkV1alpha1().Works(wellknown.ExecutionNamespace(name)).List(ctx, metav1.ListOptions{})
	if err == nil && len(works.Items) > 0 {
		var names []string
		for _, w := range works.Items {
			names = append(names, w.Name)
		}
		return fmt.Sprintf("%d works are still to be removed from the member (%s)", len(names), abbreviate(names, 5))
	}
	if ns, err := l.plane.kube.CoreV1().Namespaces().Get(ctx, wellknown.ExecutionNamespace(name), metav1.GetOptions{}); err == nil {
		for _, c := range ns.Status.Conditions {
			if c.Status == corev1.ConditionTrue {
				return fmt.Sprintf("namespace %s cannot be emptied (%s: %s)", ns.Name, c.Reason, c.Message)
			}
		}
		return "namespace " + ns.Name + " still exists; are the control plane's controllers running?"
	}
	return "bindings still name it, the scheduler has not moved them yet"
}

func abbreviate(names []string, limit int) string {
	if len(names) > limit {
		return strings.Join(names[:limit], ", ") + ", …"
	}
	return strings.Join(names, ", ")
}
