package remote

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"golang.org/x/sync/semaphore"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"k8s.io/klog/v2"

	workv1alpha2 "github.com/karmada-io/karmada/pkg/apis/work/v1alpha2"

	"atoll.dev/atoll/pkg/scheduler/estimator"
	"atoll.dev/atoll/pkg/scheduler/snapshot"
)

// Name of the estimator, as users see it.
const Name = "SchedulerEstimator"

// objectKey of a call's metadata tells the server what it is about, for its log.
const objectKey = "object"

// Estimator asks the estimators in members. It is safe for concurrent use.
type Estimator struct {
	options Options
	members *estimator.Members
	conns   *connections
	calls   *semaphore.Weighted
}

var _ estimator.Explainer = &Estimator{}

// New makes an Estimator, or says what is wrong with an option. It connects when a
// decision asks. What is claimed of members goes along with each question, and claims
// are kept within the answers; nil if nothing claims.
func New(o Options, members *estimator.Members) (*Estimator, error) {
	o, err := o.complete()
	if err != nil {
		return nil, err
	}
	transport, err := o.transport()
	if err != nil {
		return nil, err
	}
	return &Estimator{
		options: o,
		members: members,
		conns: &connections{transport: transport, clock: o.Clock, backoff: o.Backoff, most: o.MaxConnections,
			byCluster: map[string]*connection{}},
		calls: semaphore.NewWeighted(int64(o.MaxCalls)),
	}, nil
}

// Close closes all connections; nobody is asked from then on.
func (e *Estimator) Close() { e.conns.close() }

// Connections returns how many connections are kept.
func (e *Estimator) Connections() int { return e.conns.count() }

// Name implements estimator.Estimator.
func (*Estimator) Name() string { return Name }

// Estimate implements estimator.Estimator.
func (e *Estimator) Estimate(ctx context.Context, spec *workv1alpha2.ResourceBindingSpec, clusters []*snapshot.Cluster) ([]int32, error) {
	answer := make([]int32, len(clusters))
	for i := range answer {
		answer[i] = estimator.Unlimited
	}
	for _, o := range e.ask(ctx, spec, clusters) {
		if o.err == nil {
			answer[o.index] = o.replicas
		}
	}
	return answer, nil
}

// Explain implements estimator.Explainer.
func (e *Estimator) Explain(ctx context.Context, spec *workv1alpha2.ResourceBindingSpec, clusters []*snapshot.Cluster) [][]estimator.Answer {
	all := make([][]estimator.Answer, len(clusters))
	for _, o := range e.ask(ctx, spec, clusters) {
		a := estimator.Answer{Estimator: Name, Replicas: o.replicas, Limit: "the estimator in the member, at " + o.address}
		if o.err != nil {
			a.Replicas, a.Limit = estimator.Unlimited, fmt.Sprintf("left out: %v", o.err)
		}
		all[o.index] = []estimator.Answer{a}
	}
	return all
}

// Unschedulable returns how many pods of a workload in a member have been
// unschedulable for longer than the threshold. It returns false if the member has no estimator.
func (e *Estimator) Unschedulable(ctx context.Context, c *snapshot.Cluster, workload workv1alpha2.ObjectReference, threshold time.Duration) (int32, bool, error) {
	address, err := e.options.addressOf(c)
	if err != nil || address == "" {
		return 0, false, err
	}
	ctx, cancel := e.limit(ctx, workload)
	defer cancel()
	var reference, request message
	reference.text(1, workload.APIVersion)
	reference.text(2, workload.Kind)
	reference.text(3, workload.Namespace)
	reference.text(4, workload.Name)
	request.text(1, c.Name)
	request.bytes(2, reference)
	request.number(3, int64(threshold))
	n, err := e.call(ctx, c.Name, address, getUnschedulableReplicas, &request)
	if err != nil {
		return 0, true, fmt.Errorf("asking the estimator of cluster %s for unschedulable replicas: %w", c.Name, err)
	}
	return n, true, nil
}

// outcome is what became of asking one member.
type outcome struct {
	index    int
	address  string
	replicas int32
	err      error
}

// ask asks the estimators of those clusters that have one.
func (e *Estimator) ask(ctx context.Context, spec *workv1alpha2.ResourceBindingSpec, clusters []*snapshot.Cluster) []outcome {
	var outcomes []outcome
	for i, c := range clusters {
		address, err := e.options.addressOf(c)
		if address != "" || err != nil {
			outcomes = append(outcomes, outcome{index: i, address: address, err: err})
		} else if e.conns.forget(c.Name) && e.members != nil {
			e.members.Unheard(c.Name)
		}
	}
	if len(outcomes) == 0 {
		return nil
	}
	q, err := questionOf(spec)
	ctx, cancel := e.limit(ctx, spec.Resource)
	defer cancel()
	var wg sync.WaitGroup
	for i := range outcomes {
		o := &outcomes[i]
		if o.err == nil {
			o.err = err
		}
		if o.err == nil {
			wg.Go(func() { o.replicas, o.err = e.askOne(ctx, spec, &q, clusters[o.index].Name, o.address) })
		}
	}
	wg.Wait()
	return outcomes
}

func (e *Estimator) askOne(ctx context.Context, spec *workv1alpha2.ResourceBindingSpec, q *question, cluster, address string) (int32, error) {
	var (
		claimed []estimator.Pods
		version uint64
	)
	if e.members != nil {
		claimed, version = e.members.Claimed(cluster)
	}
	request, err := q.to(cluster, claimed)
	if err != nil {
		return 0, err
	}
	n, err := e.call(ctx, cluster, address, q.method, request)
	if err == nil && n < 0 {
		err = errors.New("it cannot tell")
	}
	if e.members != nil {
		e.members.Heard(cluster, spec, version, n, err == nil)
	}
	return n, err
}

// limit bounds a call, and has it tell what it is about.
func (e *Estimator) limit(ctx context.Context, workload workv1alpha2.ObjectReference) (context.Context, context.CancelFunc) {
	object := fmt.Sprintf("kind=%s, name=%s/%s", workload.Kind, workload.Namespace, workload.Name)
	return context.WithTimeout(metadata.AppendToOutgoingContext(ctx, objectKey, object), e.options.Timeout)
}

func (e *Estimator) call(ctx context.Context, cluster, address, method string, request *message) (int32, error) {
	conn, err := e.conns.to(cluster, address)
	if err != nil {
		return 0, err
	}
	if err := e.calls.Acquire(ctx, 1); err != nil {
		return 0, errors.New("too many questions are under way")
	}
	defer e.calls.Release(1)
	var response message
	n := int32(0)
	if err = conn.grpc.Invoke(ctx, method, request, &response); err == nil {
		n, err = response.answer()
	}
	failure := e.failure(err, address)
	if status.Code(err) == codes.Canceled { // whoever asked went away: that says nothing of the estimator
		return 0, err
	}
	if e.conns.report(conn, failure) {
		klog.FromContext(ctx).Info("Scheduler estimator", "cluster", cluster, "address", address, "failure", failure)
	}
	switch {
	case failure != "":
		return 0, errors.New(failure)
	case err != nil:
		return 0, fmt.Errorf("%s answers %s: %s", address, status.Code(err), firstLine(status.Convert(err).Message()))
	}
	return n, nil
}

// failure tells why an estimator is to be left out for a while, empty if it is not: one
// that answers at once, be it with an error, delays nobody.
func (e *Estimator) failure(err error, address string) string {
	switch status.Code(err) {
	case codes.DeadlineExceeded:
		return fmt.Sprintf("no answer from %s within %s", address, e.options.Timeout)
	case codes.Unavailable:
		return fmt.Sprintf("%s cannot be reached: %s", address, firstLine(status.Convert(err).Message()))
	default:
		return ""
	}
}

// firstLine returns what of a message from outside is shown.
func firstLine(s string) string {
	const most = 200
	for i, r := range s {
		if r == '\n' || i >= most {
			return s[:i] + "…"
		}
	}
	return s
}
