package propagation_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	policyv1alpha1 "github.com/karmada-io/karmada/pkg/apis/policy/v1alpha1"
	workv1alpha1 "github.com/karmada-io/karmada/pkg/apis/work/v1alpha1"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"atoll.dev/atoll/apis/karmada/wellknown"
	"atoll.dev/atoll/pkg/cli"
)

func kubeconfigOf(t *testing.T, cfg *rest.Config) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "kubeconfig")
	c := clientcmdapi.NewConfig()
	c.Clusters["c"] = &clientcmdapi.Cluster{Server: cfg.Host, CertificateAuthority: cfg.CAFile, CertificateAuthorityData: cfg.CAData, TLSServerName: cfg.ServerName}
	c.AuthInfos["u"] = &clientcmdapi.AuthInfo{Token: cfg.BearerToken}
	c.Contexts["x"] = &clientcmdapi.Context{Cluster: "c", AuthInfo: "u"}
	c.CurrentContext = "x"
	raw, err := clientcmd.Write(*c)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, raw, 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// What runs in a member becomes a template and goes on running as it was.
func TestPromote(t *testing.T) {
	r := newRig(t, 1)
	r.settleNamespace()
	m := r.members[0]
	plane, direct := kubeconfigOf(t, startServers(t).plane), kubeconfigOf(t, startServers(t).members[0])
	atoll := func(args ...string) (string, error) {
		out := &bytes.Buffer{}
		cmd := cli.NewCommand(cli.Options{Streams: genericiooptions.IOStreams{In: strings.NewReader(""), Out: out, ErrOut: out}})
		cmd.SetArgs(append([]string{"--kubeconfig", plane, "-n", r.namespace, "promote", "-C", m.name, "--cluster-kubeconfig", direct}, args...))
		err := cmd.ExecuteContext(t.Context())
		return out.String(), err
	}

	theirs := deployment(r.namespace, "web", 3)
	theirs.Annotations = map[string]string{"theirs": "1", "deployment.kubernetes.io/revision": "4"}
	theirs.Spec.Template.Spec.Volumes = []corev1.Volume{{Name: "config", VolumeSource: corev1.VolumeSource{ConfigMap: &corev1.ConfigMapVolumeSource{LocalObjectReference: corev1.LocalObjectReference{Name: "cm"}}}}}
	service := &corev1.Service{ObjectMeta: metav1.ObjectMeta{Namespace: r.namespace, Name: "web"}, Spec: corev1.ServiceSpec{Type: corev1.ServiceTypeNodePort, Ports: []corev1.ServicePort{{Port: 80}}}}
	for _, obj := range []client.Object{theirs, service, r.configMap("cm", "theirs")} {
		if err := m.Create(t.Context(), obj); err != nil {
			t.Fatal(err)
		}
	}

	for name, c := range map[string]struct {
		args []string
		want string
	}{
		"nothing of that name": {[]string{"deployment", "no"}, `reading Deployment no in cluster ` + m.name},
		"no such kind":         {[]string{"gizmo", "no"}, "gizmo"},
		"another name's policy": {[]string{"deploy", "web", "--auto-create-policy=false", "--policy-name", "p"},
			"--policy-name needs a policy"},
		"unknown format": {[]string{"deploy", "web", "-o", "xml"}, "use json or yaml"},
	} {
		if out, err := atoll(c.args...); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q\n%s", name, err, c.want, out)
		}
	}
	out, err := atoll("deploy", "web", "-o", "yaml", "-d")
	if err != nil || !strings.Contains(out, "conflict-resolution: overwrite") || !strings.Contains(out, "kind: PropagationPolicy") || !strings.Contains(out, "kind: ConfigMap") ||
		strings.Contains(out, "resourceVersion") || strings.Contains(out, "status:") || strings.Contains(out, "kubernetes.io/revision") {
		t.Errorf("printed %v\n%s", err, out)
	}
	if out, err := atoll("deploy", "web", "--dry-run"); err != nil || !strings.Contains(out, "deployment/web would be promoted") {
		t.Errorf("dry run: %v\n%s", err, out)
	}
	if err := r.plane.Get(t.Context(), client.ObjectKeyFromObject(theirs), &appsv1.Deployment{}); !apierrors.IsNotFound(err) {
		t.Fatalf("a dry run made the template: %v", err)
	}

	for _, args := range [][]string{{"deployments.apps", "web", "-d", "--policy-name", "web"}, {"svc", "web", "--policy-name", "svc"}} {
		if out, err := atoll(args...); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
	}
	for _, name := range []string{"web", "svc"} { // what an Atoll API server adds to policies
		p := &policyv1alpha1.PropagationPolicy{ObjectMeta: metav1.ObjectMeta{Namespace: r.namespace, Name: name}}
		r.patch(r.plane, p, fmt.Sprintf(`{"metadata":{"labels":{%q:%q}}}`, policyv1alpha1.PropagationPolicyPermanentIDLabel, r.namespace+name))
	}
	for _, obj := range []client.Object{theirs, service} {
		// A Deployment's generation counts its annotations too: what runs is the specification.
		uid, spec, ports := obj.GetUID(), theirs.Spec.DeepCopy(), service.Spec.DeepCopy()
		r.inAll(obj, func(*member) error {
			if obj.GetLabels()[wellknown.ManagedLabel] != "true" {
				kind := map[bool]string{true: "Deployment", false: "Service"}[obj == client.Object(theirs)]
				c, err := r.condition(t.Context(), m, kind, "web", workv1alpha1.WorkApplied)
				return fmt.Errorf("not adopted yet: %v, %+v, %w", obj.GetLabels(), c, err)
			}
			return nil
		})
		if obj.GetUID() != uid || !equality.Semantic.DeepEqual(spec, &theirs.Spec) || !equality.Semantic.DeepEqual(ports, &service.Spec) {
			t.Errorf("%T was touched: %v, %v", obj, theirs.Spec, service.Spec)
		}
	}
	cm := r.configMap("cm", "")
	r.inAll(cm, func(*member) error {
		if cm.Labels[wellknown.ManagedLabel] != "true" || cm.Data["key"] != "theirs" {
			return fmt.Errorf("%v %v", cm.Labels, cm.Data)
		}
		return nil
	})
	if _, err := atoll("deploy", "web"); err == nil || !strings.Contains(err.Error(), "exists in the control plane already") {
		t.Errorf("the second time: %v", err)
	}
	r.patch(r.plane, deployment(r.namespace, "web", 0), `{"spec":{"replicas":4}}`)
	r.inAll(theirs, func(*member) error {
		if *theirs.Spec.Replicas != 4 || theirs.Annotations["theirs"] != "1" {
			return fmt.Errorf("%d replicas, annotations %v", *theirs.Spec.Replicas, theirs.Annotations)
		}
		return nil
	})
	r.eventually("the Work is applied", func(ctx context.Context) error {
		c, err := r.condition(ctx, m, "Deployment", "web", workv1alpha1.WorkApplied)
		if err == nil && c.Status != metav1.ConditionTrue {
			err = fmt.Errorf("%+v", c)
		}
		return err
	})
}
