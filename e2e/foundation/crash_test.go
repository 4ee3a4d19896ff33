package foundation

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"atoll.dev/atoll/e2e/testbed"
)

// TestKilledServer kills the server with SIGKILL at random moments while
// templates change, and starts it again. Nothing that was acknowledged may be
// lost, and members' audit logs must show no write to an object that did not
// change.
func TestKilledServer(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	w := newWorkload(t, 24)
	for _, round := range []struct {
		name    string
		changes int
		kills   int
	}{
		{"idle", 0, 1},
		{"a change under way", 1, 1},
		{"several changes", 6, 1},
		{"killed again while starting", 6, 2},
		{"everything changes", 24, 1},
		{"thrice", 6, 3},
		{"idle again", 0, 2},
	} {
		t.Run(round.name, func(t *testing.T) {
			marks := w.marks(t)
			random.Shuffle(len(w.names), func(i, j int) { w.names[i], w.names[j] = w.names[j], w.names[i] })
			changed := slices.Clone(w.names[:round.changes])

			// The changes begin, and the server dies somewhere among them.
			var changing sync.WaitGroup
			acknowledged := make([]bool, len(changed))
			for i, name := range changed {
				changing.Go(func() { acknowledged[i] = w.change(t.Context(), name) == nil })
			}
			pause(random.IntN(400))
			must(t, fleet.atoll.Kill())
			changing.Wait()
			for range round.kills - 1 {
				must(t, fleet.atoll.Start())
				pause(random.IntN(2500))
				must(t, fleet.atoll.Kill())
			}
			must(t, fleet.atoll.Restart(t.Context()))

			for i, name := range changed {
				if acknowledged[i] {
					must(t, w.stored(t.Context(), name))
					continue
				}
				eventually(t, "a change that failed to be made again", func(ctx context.Context) error { return w.change(ctx, name) })
			}
			// What comes last through all stages shows that the server works again.
			canary := "canary-" + strconv.Itoa(len(w.names))
			w.add(t, canary)
			eventually(t, "all members to have all", onEach(w.present))
			w.checkWrites(t, marks, append(changed, canary))
		})
	}
}

// pause waits for a random moment: here the moment itself is the input of the
// test, there is no condition to wait for.
func pause(milliseconds int) { time.Sleep(time.Duration(milliseconds) * time.Millisecond) }

// workload is a namespace of ConfigMaps that go to all members, each with the
// version that it should have.
type workload struct {
	namespace string
	names     []string
	mu        sync.Mutex
	want      map[string]int
}

func newWorkload(t *testing.T, size int) *workload {
	t.Helper()
	w := &workload{namespace: newNamespace(t), want: map[string]int{}}
	createPolicy(t, w.namespace, policy("all", duplicated(), selectKind("v1", "ConfigMap")))
	for i := range size {
		w.add(t, fmt.Sprintf("config-%02d", i))
	}
	eventually(t, "all members to have all", onEach(w.present))
	return w
}

func (w *workload) add(t *testing.T, name string) {
	t.Helper()
	_, err := fleet.plane.kube.CoreV1().ConfigMaps(w.namespace).Create(t.Context(), configMap(name, "1"), metav1.CreateOptions{})
	must(t, err)
	w.names = append(w.names, name)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.want[name] = 1
}

// change makes the next version of a template. After an error it may or may not
// be stored; calling it again makes the same version.
func (w *workload) change(ctx context.Context, name string) error {
	w.mu.Lock()
	next := w.want[name] + 1
	w.mu.Unlock()
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	patch := fmt.Appendf(nil, `{"data":{"value":"%d"}}`, next)
	_, err := fleet.plane.kube.CoreV1().ConfigMaps(w.namespace).Patch(ctx, name, types.MergePatchType, patch, metav1.PatchOptions{})
	if err != nil {
		return err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.want[name] = next
	return nil
}

// stored checks that a template still has the version that was acknowledged.
func (w *workload) stored(ctx context.Context, name string) error {
	template, err := fleet.plane.kube.CoreV1().ConfigMaps(w.namespace).Get(ctx, name, metav1.GetOptions{})
	if err == nil && template.Data["value"] != strconv.Itoa(w.want[name]) {
		err = fmt.Errorf("%s: version %s after the crash, %d was acknowledged", name, template.Data["value"], w.want[name])
	}
	return err
}

func (w *workload) present(ctx context.Context, m member) error {
	list, err := m.kube.CoreV1().ConfigMaps(w.namespace).List(ctx, metav1.ListOptions{})
	if err != nil {
		return err
	}
	got := map[string]string{}
	for _, copied := range list.Items {
		got[copied.Name] = copied.Data["value"]
	}
	for name, version := range w.want {
		if got[name] != strconv.Itoa(version) {
			return fmt.Errorf("%s: version %q, want %d", name, got[name], version)
		}
	}
	return nil
}

func (w *workload) marks(t *testing.T) map[string]testbed.AuditMark {
	t.Helper()
	marks := map[string]testbed.AuditMark{}
	for _, m := range fleet.members {
		mark, err := m.AuditMark()
		must(t, err)
		marks[m.Name] = mark
	}
	return marks
}

// checkWrites reports every write to a member since the marks that is not for
// one of the changed ConfigMaps. Leases are renewed by whoever holds them.
func (w *workload) checkWrites(t *testing.T, marks map[string]testbed.AuditMark, changed []string) {
	t.Helper()
	for _, m := range fleet.members {
		writes, err := m.WritesSince(marks[m.Name])
		must(t, err)
		perObject := map[string]int{}
		for _, write := range writes {
			switch {
			case write.Code >= 300: // refused: it changed nothing
			case write.Resource == "leases":
			case write.Resource == "configmaps" && write.Namespace == w.namespace && slices.Contains(changed, write.Name):
				perObject[write.Name]++
			default:
				t.Errorf("%s: a write though nothing changed: %s", m.Name, write)
			}
		}
		for name, n := range perObject {
			// One before the crash, whose record was lost, and one after; and an object's first change
			// is preceded by one that makes the fields of its creation applied ones.
			if n > 3 {
				t.Errorf("%s: %s was written %d times for one change", m.Name, name, n)
			}
		}
	}
}

// TestMembersAway changes a template while one member's API server is down and
// another one hangs: the third gets it at once, the others when they are back.
func TestMembersAway(t *testing.T) {
	w := newWorkload(t, 3)
	down, hung, well := fleet.members[0], fleet.members[1], fleet.members[2]
	t.Cleanup(func() {
		for _, m := range []member{down, hung} {
			must(t, m.StartAPIServer(context.Background()))
			must(t, awaitReady(context.Background(), m.Member))
		}
	})
	must(t, down.APIServer.Kill())
	must(t, hung.APIServer.Pause())
	for _, name := range w.names {
		must(t, w.change(t.Context(), name))
	}
	eventually(t, "the member that is well", func(ctx context.Context) error { return w.present(ctx, well) })
	for _, m := range []member{down, hung} {
		must(t, m.StartAPIServer(t.Context()))
		eventually(t, m.Name+" to catch up", func(ctx context.Context) error { return w.present(ctx, m) })
	}
	_, err := fleet.plane.kube.CoreV1().ConfigMaps(w.namespace).Get(t.Context(), "no-such", metav1.GetOptions{})
	if !apierrors.IsNotFound(err) {
		t.Errorf("the control plane after members were away: %v", err)
	}
}
