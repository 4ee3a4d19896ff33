package testbed

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
)

// startTimeout bounds each step of a member's start: a busy machine with two
// cores takes 20 s for three members, five times that is a hang.
const startTimeout = 100 * time.Second

// Member is one Kubernetes cluster. Its processes can be stopped, killed,
// paused and started one by one.
type Member struct {
	// Name is member1, member2…
	Name string
	// Kubeconfig is the path of a kubeconfig with one context, called Name, of
	// a cluster administrator with a client certificate.
	Kubeconfig string
	// RestConfig is Kubeconfig without client-side throttling.
	RestConfig *rest.Config
	// AuditLog is where the API server records writes; "" unless audited.
	AuditLog string

	APIServer, ControllerManager, Scheduler, KWOK *Process

	bed   *Bed
	dir   string
	nodes int
}

// newMember writes the member's files and describes its processes.
func newMember(b *Bed, index int, s memberState) (*Member, error) {
	m := &Member{
		Name: s.Name, Kubeconfig: filepath.Join(b.Dir, s.Name+".kubeconfig"),
		bed: b, dir: filepath.Join(b.Dir, s.Name), nodes: s.Nodes,
	}
	if s.Audit {
		m.AuditLog = filepath.Join(m.dir, "audit.log")
	}
	if err := os.MkdirAll(m.dir, 0o700); err != nil {
		return nil, err
	}
	f, err := m.writeFiles(s.Port)
	if err != nil {
		return nil, err
	}
	if m.RestConfig, err = restConfig(m.Kubeconfig); err != nil {
		return nil, err
	}
	m.APIServer = m.process("kube-apiserver", m.apiServerFlags(f, s.Port))
	m.ControllerManager = m.process("kube-controller-manager", m.controllerManagerFlags(f))
	m.Scheduler = m.process("kube-scheduler", schedulerFlags(f))
	m.KWOK = m.process("kwok", kwokFlags(f, index))
	return m, nil
}

func (m *Member) process(name string, flags []string) *Process {
	return &Process{
		Name: name, Log: filepath.Join(m.dir, name+".log"),
		command: append([]string{m.bed.options.Binary, name}, flags...),
		dir:     m.dir, pidFile: filepath.Join(m.dir, name+".pid"), spawner: m.bed.spawner,
	}
}

// start brings up what does not run and returns when a pod could be scheduled.
func (m *Member) start(ctx context.Context) error {
	began := time.Now()
	if err := m.StartAPIServer(ctx); err != nil {
		return err
	}
	m.bed.progress("%s: API server ready after %s", m.Name, time.Since(began).Round(100*time.Millisecond))
	for _, p := range []*Process{m.ControllerManager, m.Scheduler, m.KWOK} {
		if err := p.Start(); err != nil {
			return err
		}
	}
	client, err := kubernetes.NewForConfig(m.RestConfig)
	if err != nil {
		return err
	}
	if err := m.createNodes(ctx, client); err != nil {
		return err
	}
	err = m.await(ctx, "schedulable nodes and the default service account", func(ctx context.Context) error {
		return m.schedulable(ctx, client)
	})
	if err == nil {
		m.bed.progress("%s: ready after %s, kubeconfig %s", m.Name, time.Since(began).Round(100*time.Millisecond), m.Kubeconfig)
	}
	return err
}

// StartAPIServer starts the API server unless it runs and waits until it is
// ready. A paused one is continued first.
func (m *Member) StartAPIServer(ctx context.Context) error {
	if m.APIServer.Running() {
		if err := m.APIServer.Resume(); err != nil {
			return err
		}
	} else if err := m.APIServer.Start(); err != nil {
		return err
	}
	config := rest.CopyConfig(m.RestConfig)
	config.Timeout = 5 * time.Second
	client, err := rest.HTTPClientFor(config)
	if err != nil {
		return err
	}
	return m.await(ctx, "the API server", func(ctx context.Context) error {
		return get(ctx, client, config.Host+"/readyz")
	})
}

func (m *Member) await(ctx context.Context, what string, check func(context.Context) error) error {
	return awaitServing(ctx, startTimeout, what, check, m.bed.Etcd.Process, m.ControllerManager, m.Scheduler, m.KWOK, m.APIServer)
}

func (m *Member) createNodes(ctx context.Context, client kubernetes.Interface) error {
	for i := range m.nodes {
		name := fmt.Sprintf("%s-node%d", m.Name, i+1)
		capacity := corev1.ResourceList{
			corev1.ResourceCPU:    resource.MustParse("64"),
			corev1.ResourceMemory: resource.MustParse("256Gi"),
			corev1.ResourcePods:   resource.MustParse("1000"),
		}
		node := &corev1.Node{
			ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{
				corev1.LabelHostname: name, corev1.LabelOSStable: "linux", corev1.LabelArchStable: "amd64",
			}},
			Status: corev1.NodeStatus{Capacity: capacity, Allocatable: capacity},
		}
		if _, err := client.CoreV1().Nodes().Create(ctx, node, metav1.CreateOptions{}); err != nil && !apierrors.IsAlreadyExists(err) {
			return fmt.Errorf("creating node %s: %w", name, err)
		}
	}
	return nil
}

// schedulable tells what is missing for a pod to be accepted and scheduled.
func (m *Member) schedulable(ctx context.Context, client kubernetes.Interface) error {
	if _, err := client.CoreV1().ServiceAccounts(metav1.NamespaceDefault).Get(ctx, "default", metav1.GetOptions{}); err != nil {
		return err
	}
	nodes, err := client.CoreV1().Nodes().List(ctx, metav1.ListOptions{})
	if err != nil {
		return err
	}
	ready := 0
	for _, node := range nodes.Items {
		for _, condition := range node.Status.Conditions {
			if condition.Type == corev1.NodeReady && condition.Status == corev1.ConditionTrue && len(node.Spec.Taints) == 0 {
				ready++
			}
		}
	}
	if ready < m.nodes {
		return fmt.Errorf("%d of %d nodes are ready and untainted", ready, m.nodes)
	}
	return nil
}

func get(ctx context.Context, client *http.Client, url string) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	response, err := client.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return errors.New(url + ": " + response.Status)
	}
	return nil
}
