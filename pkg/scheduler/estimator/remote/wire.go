package remote

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	"google.golang.org/grpc/encoding"
	"google.golang.org/protobuf/encoding/protowire"
	corev1 "k8s.io/api/core/v1"

	workv1alpha2 "github.com/karmada-io/karmada/pkg/apis/work/v1alpha2"

	"atoll.dev/atoll/pkg/scheduler/estimator"
)

// The messages of Karmada's pkg/estimator/pb/estimator.proto are written here field by
// field: the generated Go types hold Kubernetes types that are protobuf messages only
// under the build tag kubernetes_protomessage_one_more_release, and panic without it.
// Resource requests, affinity and tolerations are written twice, as Karmada asks of
// writers: in the fields of before v1.18 and in those of v1.18.

// Methods of Karmada's service Estimator.
const (
	service                   = "/github.com.karmada_io.karmada.pkg.estimator.service.Estimator/"
	maxAvailableReplicas      = service + "MaxAvailableReplicas"
	maxAvailableComponentSets = service + "MaxAvailableComponentSets"
	getUnschedulableReplicas  = service + "GetUnschedulableReplicas"
)

// message is an encoded protobuf message.
type message []byte

// verbatim sends and receives messages that are encoded already. To the server it is
// no different from protobuf.
type verbatim struct{}

var _ encoding.Codec = verbatim{}

func (verbatim) Name() string { return "proto" }

func (verbatim) Marshal(v any) ([]byte, error) {
	m, ok := v.(*message)
	if !ok {
		return nil, fmt.Errorf("encoding a %T: it is no message", v)
	}
	return *m, nil
}

func (verbatim) Unmarshal(data []byte, v any) error {
	m, ok := v.(*message)
	if !ok {
		return fmt.Errorf("decoding a %T: it is no message", v)
	}
	*m = slices.Clone(data)
	return nil
}

func (m *message) text(field protowire.Number, s string) {
	if s != "" {
		*m = protowire.AppendString(protowire.AppendTag(*m, field, protowire.BytesType), s)
	}
}

func (m *message) bytes(field protowire.Number, b []byte) {
	*m = protowire.AppendBytes(protowire.AppendTag(*m, field, protowire.BytesType), b)
}

func (m *message) number(field protowire.Number, n int64) {
	if n != 0 {
		*m = protowire.AppendVarint(protowire.AppendTag(*m, field, protowire.VarintType), uint64(n))
	}
}

// entries writes a map whose values are texts, messages or bytes, which all look the same.
func (m *message) entries(field protowire.Number, values map[string][]byte) {
	for _, key := range slices.Sorted(maps.Keys(values)) {
		var e message
		e.bytes(1, []byte(key))
		e.bytes(2, values[key])
		m.bytes(field, e)
	}
}

// replicaRequirements is pb.ReplicaRequirements.
func replicaRequirements(r *workv1alpha2.ReplicaRequirements) (message, error) {
	var m message
	claim, err := nodeClaim(r.NodeClaim)
	if err != nil {
		return nil, err
	}
	if claim != nil {
		m.bytes(1, *claim)
	}
	request, err := requestOf(r.ResourceRequest)
	if err != nil {
		return nil, err
	}
	m.entries(2, request)
	m.text(3, r.Namespace)
	m.text(4, r.PriorityClassName)
	m.entries(5, request)
	return m, nil
}

// component is pb.Component.
func component(name string, replicas int64, r *workv1alpha2.ComponentReplicaRequirements) (message, error) {
	var m message
	m.text(1, name)
	if r != nil {
		var requirements message
		claim, err := nodeClaim(r.NodeClaim)
		if err != nil {
			return nil, err
		}
		if claim != nil {
			requirements.bytes(1, *claim)
		}
		request, err := requestOf(r.ResourceRequest)
		if err != nil {
			return nil, err
		}
		requirements.entries(2, request)
		requirements.text(3, r.PriorityClassName)
		requirements.entries(4, request)
		m.bytes(2, requirements)
	}
	m.number(3, replicas)
	return m, nil
}

// requestOf encodes the quantities of a resource list.
func requestOf(list corev1.ResourceList) (map[string][]byte, error) {
	encoded := make(map[string][]byte, len(list))
	for name, q := range list {
		data, err := q.Marshal()
		if err != nil {
			return nil, fmt.Errorf("encoding the request of %s: %w", name, err)
		}
		encoded[string(name)] = data
	}
	return encoded, nil
}

// nodeClaim is pb.NodeClaim.
func nodeClaim(c *workv1alpha2.NodeClaim) (*message, error) {
	if c == nil {
		return nil, nil
	}
	m := &message{}
	var affinity []byte
	if c.HardNodeAffinity != nil {
		var err error
		if affinity, err = c.HardNodeAffinity.Marshal(); err != nil {
			return nil, fmt.Errorf("encoding the node affinity: %w", err)
		}
		m.bytes(1, affinity)
	}
	selector := make(map[string][]byte, len(c.NodeSelector))
	for key, value := range c.NodeSelector {
		selector[key] = []byte(value)
	}
	m.entries(2, selector)
	tolerations := make([][]byte, len(c.Tolerations))
	for i := range c.Tolerations {
		var err error
		if tolerations[i], err = c.Tolerations[i].Marshal(); err != nil {
			return nil, fmt.Errorf("encoding a toleration: %w", err)
		}
		m.bytes(3, tolerations[i])
	}
	if c.HardNodeAffinity != nil {
		m.bytes(4, affinity)
	}
	for _, data := range tolerations {
		m.bytes(5, data)
	}
	return m, nil
}

// assumedWorkload is pb.AssumedWorkload for pods that are claimed.
func assumedWorkload(p estimator.Pods) (message, error) {
	var m message
	c, err := component("claimed", p.Count, p.Source)
	if err != nil {
		return nil, err
	}
	m.text(1, p.Namespace)
	m.bytes(2, c)
	return m, nil
}

// question is what is asked about a workload of any member.
type question struct {
	method string
	// body is the request but for the member's name and its assumed workloads, which go
	// into fields 1 and assumed.
	body    message
	assumed protowire.Number
}

func questionOf(spec *workv1alpha2.ResourceBindingSpec) (question, error) {
	if !estimator.AsksForSets(spec) {
		q := question{method: maxAvailableReplicas, assumed: 3}
		if spec.ReplicaRequirements != nil {
			requirements, err := replicaRequirements(spec.ReplicaRequirements)
			if err != nil {
				return q, err
			}
			q.body.bytes(2, requirements)
		}
		return q, nil
	}
	q := question{method: maxAvailableComponentSets, assumed: 4}
	for i := range spec.Components {
		c := &spec.Components[i]
		data, err := component(c.Name, int64(c.Replicas), c.ReplicaRequirements)
		if err != nil {
			return q, err
		}
		q.body.bytes(2, data)
	}
	q.body.text(3, spec.Resource.Namespace)
	return q, nil
}

// to makes the request for one member.
func (q *question) to(cluster string, claimed []estimator.Pods) (*message, error) {
	m := &message{}
	m.text(1, cluster)
	*m = append(*m, q.body...)
	for _, p := range claimed {
		data, err := assumedWorkload(p)
		if err != nil {
			return nil, err
		}
		m.bytes(q.assumed, data)
	}
	return m, nil
}

// answer reads field 1 of a response, which in all of them is the number asked for.
func (m message) answer() (int32, error) {
	var n int32
	for rest := []byte(m); len(rest) > 0; {
		field, kind, size := protowire.ConsumeTag(rest)
		if size < 0 {
			return 0, errors.New("the answer is no protobuf message")
		}
		rest = rest[size:]
		if field == 1 && kind == protowire.VarintType {
			value, size := protowire.ConsumeVarint(rest)
			if size < 0 {
				return 0, errors.New("the answer is no protobuf message")
			}
			n, rest = int32(value), rest[size:]
			continue
		}
		if size = protowire.ConsumeFieldValue(field, kind, rest); size < 0 {
			return 0, errors.New("the answer is no protobuf message")
		}
		rest = rest[size:]
	}
	return n, nil
}
