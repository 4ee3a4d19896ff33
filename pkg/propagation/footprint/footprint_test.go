package footprint

import (
	"slices"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	utiljson "k8s.io/apimachinery/pkg/util/json"
	"sigs.k8s.io/yaml"

	"atoll.dev/atoll/apis/karmada/wellknown"
)

func template(t *testing.T, text string) *unstructured.Unstructured {
	t.Helper()
	raw, err := yaml.YAMLToJSON([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	u := &unstructured.Unstructured{}
	if err := utiljson.Unmarshal(raw, &u.Object); err != nil {
		t.Fatal(err)
	}
	return u
}

const pod = `{containers: [{name: c, ports: [{containerPort: 80, hostPort: 8080}]}], volumes: [{name: v, persistentVolumeClaim: {claimName: data}}]}`

func TestOfEveryWorkload(t *testing.T) {
	inTemplate := "spec: {template: {spec: " + pod + "}}"
	for _, c := range []struct {
		kind, text string
	}{
		{"Pod", "apiVersion: v1\nkind: Pod\nspec: " + pod},
		{"Deployment", "apiVersion: apps/v1\nkind: Deployment\n" + inTemplate},
		{"StatefulSet", "apiVersion: apps/v1\nkind: StatefulSet\n" + inTemplate},
		{"DaemonSet", "apiVersion: apps/v1\nkind: DaemonSet\n" + inTemplate},
		{"ReplicaSet", "apiVersion: apps/v1\nkind: ReplicaSet\n" + inTemplate},
		{"ReplicationController", "apiVersion: v1\nkind: ReplicationController\n" + inTemplate},
		{"Job", "apiVersion: batch/v1\nkind: Job\n" + inTemplate},
		{"CronJob", "apiVersion: batch/v1\nkind: CronJob\nspec: {schedule: '@daily', jobTemplate: {" + inTemplate + "}}"},
		{"custom workload", "apiVersion: apps.kruise.io/v1alpha1\nkind: CloneSet\n" + inTemplate},
	} {
		t.Run(c.kind, func(t *testing.T) {
			got := Annotations(template(t, c.text))
			if got[wellknown.PortsAnnotation] != "host/TCP/8080" || got[wellknown.ClaimsAnnotation] != "data" {
				t.Errorf("got %v, want host/TCP/8080 and data", got)
			}
		})
	}
}

func TestPorts(t *testing.T) {
	service := func(spec string) string { return "apiVersion: v1\nkind: Service\nspec: " + spec }
	podWith := func(spec string) string { return "apiVersion: v1\nkind: Pod\nspec: " + spec }
	for _, c := range []struct{ name, text, want string }{
		{"NodePort", service("{type: NodePort, ports: [{port: 80, nodePort: 30080}]}"), "node/TCP/30080"},
		{"LoadBalancer", service("{type: LoadBalancer, ports: [{port: 80, nodePort: 30080, protocol: TCP}]}"), "node/TCP/30080"},
		{"both protocols, sorted", service("{type: NodePort, ports: [{port: 53, nodePort: 30053, protocol: UDP}, {port: 53, nodePort: 30053, protocol: TCP}, {port: 9, nodePort: 30009, protocol: SCTP}]}"), "node/SCTP/30009,node/TCP/30053,node/UDP/30053"},
		{"health check", service("{type: LoadBalancer, externalTrafficPolicy: Local, healthCheckNodePort: 31000, ports: [{port: 80, nodePort: 30080}]}"), "node/TCP/30080,node/TCP/31000"},
		{"left open", service("{type: NodePort, ports: [{port: 80}]}"), ""},
		{"ClusterIP", service("{type: ClusterIP, ports: [{port: 80, nodePort: 30080}]}"), ""},
		{"no type", service("{ports: [{port: 80}]}"), ""},
		{"another group's Service", "apiVersion: serving.knative.dev/v1\nkind: Service\nspec: {type: NodePort, ports: [{nodePort: 30080}]}", ""},

		{"no port", podWith("{containers: [{name: c}]}"), ""},
		{"container's port only", podWith("{containers: [{name: c, ports: [{containerPort: 80}]}]}"), ""},
		{"host network", podWith("{hostNetwork: true, containers: [{name: c, ports: [{containerPort: 80}, {containerPort: 53, protocol: UDP}]}]}"), "host/UDP/53,host/TCP/80"},
		{"host network, port given too", podWith("{hostNetwork: true, containers: [{name: c, ports: [{containerPort: 80, hostPort: 80}]}]}"), "host/TCP/80"},
		{"on one address", podWith("{containers: [{name: c, ports: [{containerPort: 80, hostPort: 80, hostIP: 10.0.0.1}]}]}"), "host/TCP/80@10.0.0.1"},
		{"on one IPv6 address, written long", podWith("{containers: [{name: c, ports: [{containerPort: 80, hostPort: 80, hostIP: 'fd00:0:0:0::1'}]}]}"), "host/TCP/80@fd00::1"},
		{"on all addresses", podWith("{containers: [{name: c, ports: [{containerPort: 80, hostPort: 80, hostIP: 0.0.0.0}]}]}"), "host/TCP/80"},
		{"on what is no address", podWith("{containers: [{name: c, ports: [{containerPort: 80, hostPort: 80, hostIP: 'a,b@c'}]}]}"), "host/TCP/80"},
		{"several containers", podWith("{containers: [{name: c, ports: [{hostPort: 2}]}, {name: d, ports: [{hostPort: 1}, {hostPort: 2}]}]}"), "host/TCP/1,host/TCP/2"},
		{"sidecar", podWith("{containers: [{name: c}], initContainers: [{name: i, restartPolicy: Always, ports: [{hostPort: 1}]}]}"), "host/TCP/1"},
		{"init container", podWith("{containers: [{name: c}], initContainers: [{name: i, ports: [{hostPort: 1}]}]}"), ""},
		{"out of range", podWith("{containers: [{name: c, ports: [{hostPort: 70000}, {hostPort: -1}]}]}"), ""},
		{"protocol unknown", podWith("{containers: [{name: c, ports: [{hostPort: 1, protocol: 'X,Y'}]}]}"), ""},
		{"another shape", podWith("{containers: {c: 1}}"), ""},
		{"a port that is no object", podWith("{containers: [{name: c, ports: [1, {hostPort: one}]}]}"), ""},
		{"number with a fraction's type", podWith("{containers: [{name: c, ports: [{hostPort: 8.0e1}]}]}"), "host/TCP/80"},
		{"not a workload", "apiVersion: v1\nkind: ConfigMap\ndata: {spec: x}", ""},
		{"spec is no object", "apiVersion: example.com/v1\nkind: X\nspec: 3", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := FormatPorts(PortsOf(template(t, c.text)))
			if got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
			if again := FormatPorts(ParsePorts(got)); again != got {
				t.Errorf("%q is read as %q", got, again)
			}
		})
	}
}

func TestClaims(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"claim itself", "apiVersion: v1\nkind: PersistentVolumeClaim\nmetadata: {name: data}", "data"},
		{"claim templates", "apiVersion: apps/v1\nkind: StatefulSet\nmetadata: {name: db}\nspec: {volumeClaimTemplates: [{metadata: {name: wal}}, {metadata: {name: data}}], template: {spec: {containers: [{name: c}], volumes: [{name: s, persistentVolumeClaim: {claimName: shared}}]}}}", "data-db-,shared,wal-db-"},
		{"the same claim twice", "apiVersion: v1\nkind: Pod\nspec: {containers: [{name: c}], volumes: [{persistentVolumeClaim: {claimName: a}}, {persistentVolumeClaim: {claimName: a}}]}", "a"},
		{"other volumes", "apiVersion: v1\nkind: Pod\nspec: {containers: [{name: c}], volumes: [{name: a, emptyDir: {}}, {name: b, ephemeral: {volumeClaimTemplate: {}}}]}", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := FormatClaims(ClaimsOf(template(t, c.text)))
			if got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
			if again := FormatClaims(ParseClaims(got)); again != got {
				t.Errorf("%q is read as %q", got, again)
			}
		})
	}
}

func TestCovers(t *testing.T) {
	for _, c := range []struct {
		claim, name string
		want        bool
	}{
		{"data", "data", true},
		{"data", "data-0", false},
		{"data-db-", "data-db-0", true},
		{"data-db-", "data-db-17", true},
		{"data-db-", "data-db-", false},
		{"data-db-", "data-db-backup-0", false}, // StatefulSet db-backup's
		{"data-db-", "data-0", false},
	} {
		if got := Covers(c.claim, c.name); got != c.want {
			t.Errorf("Covers(%q, %q) = %v", c.claim, c.name, got)
		}
	}
}

func TestConflicts(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want bool
	}{
		{"node/TCP/80", "node/TCP/80", true},
		{"node/TCP/80", "node/UDP/80", false},
		{"node/TCP/80", "node/TCP/81", false},
		{"node/TCP/80", "host/TCP/80", false},
		{"host/TCP/80", "host/TCP/80@10.0.0.1", true},
		{"host/TCP/80@10.0.0.1", "host/TCP/80@10.0.0.1", true},
		{"host/TCP/80@10.0.0.1", "host/TCP/80@10.0.0.2", false},
	} {
		a, b := ParsePorts(c.a)[0], ParsePorts(c.b)[0]
		if a.Conflicts(b) != c.want || b.Conflicts(a) != c.want {
			t.Errorf("%s and %s conflict = %v, %v; want %v", c.a, c.b, a.Conflicts(b), b.Conflicts(a), c.want)
		}
	}
}

func TestWhatIsNotAPortIsLeftOut(t *testing.T) {
	got := ParsePorts("node/TCP/30080,,x,node/TCP,door/TCP/1,host/TCP/0,host/TCP/99999999999,host/QUIC/1,host/UDP/53")
	if want := ParsePorts("host/UDP/53,node/TCP/30080"); !slices.Equal(got, want) || len(got) != 2 {
		t.Errorf("got %v, want %v", got, want)
	}
}

func FuzzParse(f *testing.F) {
	for _, seed := range []string{"", "node/TCP/30080", "host/TCP/80@10.0.0.1,host/UDP/53", "host/TCP/80@fe80::1%eth0", ",,a-"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, value string) {
		ports := FormatPorts(ParsePorts(value))
		if again := FormatPorts(ParsePorts(ports)); again != ports {
			t.Errorf("%q is read as %q", ports, again)
		}
		claims := FormatClaims(ParseClaims(value))
		if again := FormatClaims(ParseClaims(claims)); again != claims {
			t.Errorf("%q is read as %q", claims, again)
		}
	})
}
