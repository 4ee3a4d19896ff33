package membership_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
	"k8s.io/utils/ptr"

	"atoll.dev/atoll/pkg/membership/capacity"
)

// seen are the views that were told last.
type seen struct {
	mu    sync.Mutex
	views map[string]*capacity.View
}

func (s *seen) observe(cluster string, v *capacity.View) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.views == nil {
		s.views = map[string]*capacity.View{}
	}
	s.views[cluster] = v
}

func (s *seen) of(cluster string) *capacity.View {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.views[cluster]
}

func TestAViewFollowsItsMember(t *testing.T) {
	p, m := sharedPlane(t)
	admin, err := clusters.Kube(m.n)
	must(t, err)
	before := watchesIn(t, admin)
	p.join(t, p.request(t, m.name, m.n))
	shows := func(what string, check func(v *capacity.View) error) {
		t.Helper()
		eventually(t, 20*time.Second, func(context.Context) error {
			v := p.views.of(m.name)
			if v == nil {
				return errors.New("there is no view")
			}
			if err := check(v); err != nil {
				return fmt.Errorf("%s: %w", what, err)
			}
			return nil
		})
	}
	shows("nodes", func(v *capacity.View) error {
		if len(v.Nodes) == 0 || v.Quotas == nil || v.LocalClaims == nil {
			return fmt.Errorf("view %+v", v)
		}
		return nil
	})
	// Membership's status and the scheduler's views together cost one watch a kind.
	eventually(t, 20*time.Second, func(context.Context) error {
		if p.cluster(t, m.name).Status.ResourceSummary == nil {
			return errors.New("the status sums up nothing yet")
		}
		for kind, now := range watchesIn(t, admin) {
			if now != before[kind]+1 {
				return fmt.Errorf("%s are watched %d times, %d times before", kind, now, before[kind])
			}
		}
		return nil
	})

	name := p.views.of(m.name).Nodes[0].Name
	node := func(v *capacity.View) capacity.Node {
		i := slices.IndexFunc(v.Nodes, func(n capacity.Node) bool { return n.Name == name })
		if i < 0 {
			return capacity.Node{Class: &capacity.Class{}}
		}
		return v.Nodes[i]
	}
	tainted := func(key string, want bool) func(v *capacity.View) error {
		return func(v *capacity.View) error {
			taints := node(v).Taints
			if slices.ContainsFunc(taints, func(t corev1.Taint) bool { return t.Key == key }) != want {
				return fmt.Errorf("taints are %v", taints)
			}
			return nil
		}
	}
	patch := func(body string) {
		t.Helper()
		_, err := admin.CoreV1().Nodes().Patch(t.Context(), name, types.StrategicMergePatchType, []byte(body), metav1.PatchOptions{})
		must(t, err)
	}
	t.Cleanup(func() {
		_, _ = admin.CoreV1().Nodes().Patch(context.Background(), name, types.MergePatchType, []byte(`{"spec":{"unschedulable":null,"taints":null}}`), metav1.PatchOptions{})
	})
	patch(`{"spec":{"unschedulable":true}}`)
	shows("a cordoned node", tainted("node.kubernetes.io/unschedulable", true))
	patch(`{"spec":{"unschedulable":null,"taints":[{"key":"gpu","value":"true","effect":"NoSchedule"},{"key":"node.kubernetes.io/unschedulable","effect":"NoSchedule","$patch":"delete"}]}}`)
	shows("a tainted node", tainted("gpu", true))
	shows("a node that is not cordoned any more", tainted("node.kubernetes.io/unschedulable", false))

	free := func(v *capacity.View) (all capacity.Amounts) {
		for _, n := range v.Nodes {
			all.MilliCPU += n.Free.MilliCPU
			all.Pods += n.Free.Pods
		}
		return all
	}
	was := free(p.views.of(m.name))
	addPod(t, m.n)
	shows("a pod on a node", func(v *capacity.View) error {
		if now := free(v); now.MilliCPU != was.MilliCPU-123 || now.Pods != was.Pods-1 {
			return fmt.Errorf("free are %+v, were %+v", now, was)
		}
		return nil
	})

	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "limited-" + m.name}}
	_, err = admin.CoreV1().Namespaces().Create(t.Context(), namespace, metav1.CreateOptions{})
	must(t, err)
	t.Cleanup(func() {
		must(t, admin.CoreV1().Namespaces().Delete(context.Background(), namespace.Name, metav1.DeleteOptions{}))
	})
	quota := &corev1.ResourceQuota{ObjectMeta: metav1.ObjectMeta{Name: "q"}, Spec: corev1.ResourceQuotaSpec{Hard: corev1.ResourceList{"requests.cpu": resource.MustParse("1500m")}}}
	_, err = admin.CoreV1().ResourceQuotas(namespace.Name).Create(t.Context(), quota, metav1.CreateOptions{})
	must(t, err)
	shows("a quota", func(v *capacity.View) error {
		if q := v.Quotas[namespace.Name]; len(q) != 1 || q[0].Left["requests.cpu"] != 1500 {
			return fmt.Errorf("quotas are %v", v.Quotas)
		}
		return nil
	})

	bindVolume(t, admin, "local-"+m.name, namespace.Name, "data")
	shows("a local claim", func(v *capacity.View) error {
		if _, ok := v.LocalClaims[types.NamespacedName{Namespace: namespace.Name, Name: "data"}]; !ok {
			return fmt.Errorf("local claims are %v", v.LocalClaims)
		}
		return nil
	})

	huge := corev1.ResourceList{corev1.ResourceMemory: resource.MustParse("1Pi")}
	labels := map[string]string{"app": "huge"}
	_, err = admin.AppsV1().Deployments("default").Create(t.Context(), &appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Name: "huge"},
		Spec: appsv1.DeploymentSpec{Replicas: ptr.To[int32](2), Selector: &metav1.LabelSelector{MatchLabels: labels}, Template: corev1.PodTemplateSpec{
			ObjectMeta: metav1.ObjectMeta{Labels: labels},
			Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "c", Image: "none", Resources: corev1.ResourceRequirements{Requests: huge}}}}}}}, metav1.CreateOptions{})
	must(t, err)
	remove := sync.OnceFunc(func() {
		must(t, admin.AppsV1().Deployments("default").Delete(context.Background(), "huge", metav1.DeleteOptions{PropagationPolicy: ptr.To(metav1.DeletePropagationBackground)}))
	})
	t.Cleanup(remove)
	stuck := func(want int) func(v *capacity.View) error {
		return func(v *capacity.View) error {
			if times := v.Stuck[capacity.Workload{Kind: "Deployment", Namespace: "default", Name: "huge"}]; len(times) != want ||
				slices.ContainsFunc(times, func(at time.Time) bool { return time.Since(at) > time.Minute }) {
				return fmt.Errorf("stuck are %v", v.Stuck)
			}
			return nil
		}
	}
	shows("pods for which there is no node", stuck(2))
	remove()
	shows("nothing stuck", stuck(0))

	p.forget(t, m.name)
	eventually(t, 10*time.Second, func(context.Context) error {
		if v := p.views.of(m.name); v != nil {
			return errors.New("a member that left has a view")
		}
		return nil
	})
}

// bindVolume makes a local volume and a claim that is bound to it.
func bindVolume(t *testing.T, admin kubernetes.Interface, name, namespace, claim string) {
	t.Helper()
	modes := []corev1.PersistentVolumeAccessMode{corev1.ReadWriteOnce}
	size := corev1.ResourceList{corev1.ResourceStorage: resource.MustParse("1Gi")}
	_, err := admin.CoreV1().PersistentVolumes().Create(t.Context(), &corev1.PersistentVolume{ObjectMeta: metav1.ObjectMeta{Name: name}, Spec: corev1.PersistentVolumeSpec{
		Capacity: size, AccessModes: modes, ClaimRef: &corev1.ObjectReference{Namespace: namespace, Name: claim},
		PersistentVolumeReclaimPolicy: corev1.PersistentVolumeReclaimRetain,
		PersistentVolumeSource:        corev1.PersistentVolumeSource{HostPath: &corev1.HostPathVolumeSource{Path: "/nowhere"}}}}, metav1.CreateOptions{})
	must(t, err)
	t.Cleanup(func() {
		must(t, admin.CoreV1().PersistentVolumes().Delete(context.Background(), name, metav1.DeleteOptions{}))
	})
	_, err = admin.CoreV1().PersistentVolumeClaims(namespace).Create(t.Context(), &corev1.PersistentVolumeClaim{ObjectMeta: metav1.ObjectMeta{Name: claim}, Spec: corev1.PersistentVolumeClaimSpec{
		StorageClassName: ptr.To(""), VolumeName: name, AccessModes: modes, Resources: corev1.VolumeResourceRequirements{Requests: size}}}, metav1.CreateOptions{})
	must(t, err)
}

// watchesIn returns how many watches are open on what views are made of.
func watchesIn(t *testing.T, admin kubernetes.Interface) map[string]int {
	t.Helper()
	raw, err := admin.Discovery().RESTClient().Get().AbsPath("/metrics").DoRaw(t.Context())
	must(t, err)
	counts := map[string]int{"nodes": 0, "pods": 0, "resourcequotas": 0, "persistentvolumes": 0}
	for lines := bufio.NewScanner(bytes.NewReader(raw)); lines.Scan(); {
		metric, value, _ := strings.Cut(lines.Text(), "} ")
		if !strings.HasPrefix(metric, "apiserver_longrunning_requests{") || !strings.Contains(metric, `verb="WATCH"`) || !strings.Contains(metric, `group=""`) {
			continue
		}
		for kind := range counts {
			if strings.Contains(metric, fmt.Sprintf(`resource=%q`, kind)) {
				n := 0
				_, err := fmt.Sscan(value, &n)
				must(t, err)
				counts[kind] += n
			}
		}
	}
	return counts
}
