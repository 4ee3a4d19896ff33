package certificates

import (
	"fmt"
	"net"
	"net/netip"
	"os"
	"slices"
	"strconv"
	"strings"
)

// Users and groups that the client certificates stand for.
const (
	// AdminUser is the user of admin.kubeconfig, in group AdminGroup.
	AdminUser = "atoll-admin"
	// AdminGroup may do everything, whatever RBAC says: the API server's own rule.
	AdminGroup = "system:masters"
	// SchedulerUser is the scheduler running as a process of its own.
	SchedulerUser = "atoll-scheduler"
	// ControllersUser is the controllers running as a process of their own.
	ControllersUser = "atoll-controllers"
	// FrontProxyUser is whom aggregated API servers must take the front proxy for.
	FrontProxyUser = "front-proxy-client"
	// EtcdClientUser is the API server towards an etcd that is reached by TLS.
	EtcdClientUser = "atoll-apiserver"
)

// ContextName is the context, and the cluster, in the kubeconfigs.
const ContextName = "atoll"

// servingNames are the names under which clients may reach the API server,
// sorted and without duplicates.
func servingNames(bindAddress string, sans []string) (dns []string, ips []net.IP, err error) {
	names := []string{"localhost", "127.0.0.1", "::1", "kubernetes", "kubernetes.default", "kubernetes.default.svc"}
	if host, err := os.Hostname(); err == nil && host != "" && host != "(none)" {
		names = append(names, strings.ToLower(host))
	}
	if bindAddress != "" && !isWildcard(bindAddress) {
		names = append(names, bindAddress)
	}
	return splitNames(append(names, sans...))
}

// splitNames separates IP addresses from DNS names.
func splitNames(names []string) (dns []string, ips []net.IP, err error) {
	for _, name := range names {
		if ip := net.ParseIP(name); ip != nil {
			ips = append(ips, ip)
			continue
		}
		if name == "" || strings.ContainsAny(name, " \t\n/:@") {
			return nil, nil, fmt.Errorf("%q is neither an IP address nor a DNS name: give each name once, without port or scheme", name)
		}
		dns = append(dns, name)
	}
	slices.Sort(dns)
	slices.SortFunc(ips, func(a, b net.IP) int { return strings.Compare(a.String(), b.String()) })
	return slices.Compact(dns), slices.CompactFunc(ips, net.IP.Equal), nil
}

// serverURL is where a client on this machine reaches the API server.
func serverURL(bindAddress string, port int) string {
	host := bindAddress
	if host == "" || isWildcard(host) {
		host = "127.0.0.1"
	}
	return "https://" + net.JoinHostPort(host, strconv.Itoa(port))
}

func isWildcard(address string) bool {
	ip, err := netip.ParseAddr(address)
	return err == nil && ip.IsUnspecified()
}
