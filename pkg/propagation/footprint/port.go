package footprint

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
)

// Use is what a port of a node serves. Ports of different use do not conflict.
type Use string

const (
	// NodePort is open on every node for a Service.
	NodePort Use = "node"
	// HostPort is open on the nodes that run a pod of the workload.
	HostPort Use = "host"
)

// Port is a fixed port that a template takes of a member's nodes.
type Port struct {
	Use      Use
	Protocol corev1.Protocol
	Number   int32
	// IP is the node's address on which a HostPort is opened; empty means all of them.
	IP string
}

// String returns number and protocol: "30080/TCP".
func (p Port) String() string { return fmt.Sprintf("%d/%s", p.Number, p.Protocol) }

// Conflicts tells whether a member cannot give both ports away.
func (p Port) Conflicts(o Port) bool {
	return p.Use == o.Use && p.Protocol == o.Protocol && p.Number == o.Number &&
		(p.IP == "" || o.IP == "" || p.IP == o.IP)
}

func (p Port) text() string {
	s := fmt.Sprintf("%s/%s/%d", p.Use, p.Protocol, p.Number)
	if p.IP != "" {
		s += "@" + p.IP
	}
	return s
}

// newPort fills in defaults as Kubernetes does, and returns false if the number is none.
func newPort(use Use, protocol string, number int64, ip string) (Port, bool) {
	if number < 1 || number > 65535 {
		return Port{}, false
	}
	p := Port{Use: use, Protocol: corev1.Protocol(protocol), Number: int32(number)}
	switch p.Protocol {
	case corev1.ProtocolTCP, corev1.ProtocolUDP, corev1.ProtocolSCTP:
	case "":
		p.Protocol = corev1.ProtocolTCP
	default:
		return Port{}, false
	}
	// What is not an address is refused by the member; all addresses is the careful guess.
	if addr, err := netip.ParseAddr(ip); err == nil && addr != netip.IPv4Unspecified() && addr.Zone() == "" {
		p.IP = addr.String()
	}
	return p, true
}

// FormatPorts returns the annotation's value, empty if there are no ports.
func FormatPorts(ports []Port) string {
	parts := make([]string, 0, len(ports))
	for _, p := range canonical(ports) {
		parts = append(parts, p.text())
	}
	return strings.Join(parts, ",")
}

// ParsePorts reads an annotation's value. What is not a port is left out.
func ParsePorts(value string) []Port {
	if value == "" {
		return nil
	}
	var ports []Port
	for part := range strings.SplitSeq(value, ",") {
		use, rest, _ := strings.Cut(part, "/")
		protocol, rest, _ := strings.Cut(rest, "/")
		number, ip, _ := strings.Cut(rest, "@")
		n, err := strconv.ParseInt(number, 10, 32)
		if err != nil || Use(use) != NodePort && Use(use) != HostPort {
			continue
		}
		if p, ok := newPort(Use(use), protocol, n, ip); ok {
			ports = append(ports, p)
		}
	}
	return canonical(ports)
}

func canonical(ports []Port) []Port {
	sorted := slices.SortedFunc(slices.Values(ports), func(a, b Port) int {
		return cmp.Or(cmp.Compare(a.Use, b.Use), cmp.Compare(a.Number, b.Number), cmp.Compare(a.Protocol, b.Protocol), cmp.Compare(a.IP, b.IP))
	})
	return slices.Compact(sorted)
}
