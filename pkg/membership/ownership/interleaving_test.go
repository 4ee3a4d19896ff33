package ownership

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"testing"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	corev1client "k8s.io/client-go/kubernetes/typed/core/v1"

	"atoll.dev/atoll/apis/karmada/wellknown"
)

// register is the ownership object of one member with the semantics of an API server that matter
// here: create fails if it exists, update and delete fail on another resourceVersion. Before each
// request it asks turn for leave, so that a test decides the order in which requests take effect.
type register struct {
	corev1client.ConfigMapInterface // nil: anything else that is called panics

	mu      sync.Mutex
	object  *corev1.ConfigMap
	version int
	history []Claim // owners in the order in which they took effect, zero for released
}

var resource = schema.GroupResource{Resource: "configmaps"}

type client struct {
	*register
	turn func()
}

func (c client) ConfigMaps(string) corev1client.ConfigMapInterface { return c }

func (c client) Get(_ context.Context, name string, _ metav1.GetOptions) (*corev1.ConfigMap, error) {
	c.turn()
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.object == nil {
		return nil, apierrors.NewNotFound(resource, name)
	}
	return c.object.DeepCopy(), nil
}

func (c client) Create(_ context.Context, obj *corev1.ConfigMap, _ metav1.CreateOptions) (*corev1.ConfigMap, error) {
	c.turn()
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.object != nil {
		return nil, apierrors.NewAlreadyExists(resource, obj.Name)
	}
	return c.store(obj), nil
}

func (c client) Update(_ context.Context, obj *corev1.ConfigMap, _ metav1.UpdateOptions) (*corev1.ConfigMap, error) {
	c.turn()
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.object == nil {
		return nil, apierrors.NewNotFound(resource, obj.Name)
	}
	if obj.ResourceVersion != c.object.ResourceVersion {
		return nil, apierrors.NewConflict(resource, obj.Name, errors.New("changed"))
	}
	return c.store(obj), nil
}

func (c client) Delete(_ context.Context, name string, o metav1.DeleteOptions) error {
	c.turn()
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.object == nil {
		return apierrors.NewNotFound(resource, name)
	}
	if p := o.Preconditions; p == nil || p.ResourceVersion == nil || *p.ResourceVersion != c.object.ResourceVersion {
		return apierrors.NewConflict(resource, name, errors.New("changed"))
	}
	c.object = nil
	c.history = append(c.history, Claim{})
	return nil
}

func (r *register) store(obj *corev1.ConfigMap) *corev1.ConfigMap {
	r.version++
	r.object = obj.DeepCopy()
	r.object.ResourceVersion = strconv.Itoa(r.version)
	owner, err := Parse(r.object.Data)
	if err != nil {
		panic(err)
	}
	r.history = append(r.history, owner)
	return r.object.DeepCopy()
}

// actor is one control plane: it claims, and releases afterwards if asked to.
type actor struct {
	claim   Claim
	release bool

	acquired, released bool
	err                error
}

func (a *actor) run(c corev1client.ConfigMapsGetter) {
	if _, a.err = Acquire(context.Background(), c, a.claim); a.err != nil {
		return
	}
	a.acquired = true
	if a.release {
		a.released, a.err = Release(context.Background(), c, a.claim)
	}
}

// replay runs the actors, letting their requests take effect in the order of the schedule: each
// entry picks among the actors that wait. It returns how many waited at each step, so that the
// caller can go through all schedules.
func replay(t *testing.T, reg *register, actors []*actor, schedule []int) (choices []int) {
	t.Helper()
	type waiting struct {
		actor int
		leave chan struct{}
	}
	arrivals := make(chan waiting)
	ended := make(chan int)
	for i, a := range actors {
		go func() {
			a.run(client{reg, func() {
				leave := make(chan struct{})
				arrivals <- waiting{i, leave}
				<-leave
			}})
			ended <- i
		}()
	}
	// An actor is always either waiting for leave or about to arrive or end: collect all of them
	// before each choice, so that a schedule means the same at every run.
	pending := map[int]chan struct{}{}
	running := len(actors)
	for step := 0; ; step++ {
		for len(pending) < running {
			select {
			case w := <-arrivals:
				pending[w.actor] = w.leave
			case <-ended:
				running--
			}
		}
		if running == 0 {
			return choices
		}
		choices = append(choices, len(pending))
		pick := 0
		if step < len(schedule) {
			pick = schedule[step]
		}
		for i := range actors {
			if leave, ok := pending[i]; ok {
				if pick == 0 {
					delete(pending, i)
					close(leave)
					break
				}
				pick--
			}
		}
		if step > 50 {
			t.Fatal("the actors do not come to an end")
		}
	}
}

// everySchedule calls try with each order of requests that the actors allow.
func everySchedule(t *testing.T, try func(schedule []int) (choices []int)) (schedules int) {
	t.Helper()
	var schedule []int
	for {
		choices := try(schedule)
		schedules++
		full := make([]int, len(choices))
		copy(full, schedule)
		i := len(full) - 1
		for ; i >= 0; i-- {
			if full[i]+1 < choices[i] {
				break
			}
		}
		if i < 0 {
			return schedules
		}
		schedule = append(full[:i:i], full[i]+1)
	}
}

// Of two planes that claim a member in any order of their requests, the epochs that the member accepts
// from one plane never decrease, nobody holds the member after being refused, and whoever was told that it
// holds the member does, unless a rightful successor took over.
func TestTwoClaimants(t *testing.T) {
	a := Claim{PlaneUID: "plane-a", Epoch: 1, ClaimID: "a1"}
	for name, c := range map[string]struct {
		before *Claim
		first  actor
		second actor
	}{
		"two planes, nobody owns it":        {nil, actor{claim: a}, actor{claim: Claim{"plane-b", 1, "b1"}}},
		"two planes, one owns it":           {&a, actor{claim: a}, actor{claim: Claim{"plane-b", 7, "b7"}}},
		"two copies, same epoch":            {&a, actor{claim: Claim{"plane-a", 2, "x"}}, actor{claim: Claim{"plane-a", 2, "y"}}},
		"old copy against new":              {&a, actor{claim: a}, actor{claim: Claim{"plane-a", 2, "a2"}}},
		"epochs two and three":              {&a, actor{claim: Claim{"plane-a", 2, "x"}}, actor{claim: Claim{"plane-a", 3, "y"}}},
		"the same plane twice":              {nil, actor{claim: a}, actor{claim: a}},
		"one releases, another plane comes": {nil, actor{claim: a, release: true}, actor{claim: Claim{"plane-b", 1, "b1"}}},
		"both claim and release":            {nil, actor{claim: a, release: true}, actor{claim: Claim{"plane-b", 1, "b1"}, release: true}},
		"old copy releases, new takes over": {&a, actor{claim: a, release: true}, actor{claim: Claim{"plane-a", 2, "a2"}}},
	} {
		t.Run(name, func(t *testing.T) {
			n := everySchedule(t, func(schedule []int) []int {
				reg := &register{}
				if c.before != nil {
					reg.store(&corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: wellknown.OwnershipConfigMap}, Data: c.before.data()})
				}
				first, second := c.first, c.second
				choices := replay(t, reg, []*actor{&first, &second}, schedule)
				check(t, reg, []*actor{&first, &second}, fmt.Sprintf("schedule %v", schedule))
				return choices
			})
			if n < 2 {
				t.Errorf("only %d schedules were tried", n)
			}
		})
	}
}

func check(t *testing.T, reg *register, actors []*actor, when string) {
	t.Helper()
	var owner Claim // zero: nobody
	for _, next := range reg.history {
		if next != (Claim{}) && owner != (Claim{}) && !Admits(owner, next) {
			t.Errorf("%s: %+v took the member from %+v", when, next, owner)
		}
		if owner.PlaneUID == next.PlaneUID && next.Epoch < owner.Epoch {
			t.Errorf("%s: the epoch went from %d to %d", when, owner.Epoch, next.Epoch)
		}
		owner = next
	}
	for _, a := range actors {
		owned := new(OwnedError)
		switch {
		case a.err != nil && !errors.As(a.err, &owned):
			t.Errorf("%s: %+v ended with %v", when, a.claim, a.err)
		case owned.Owner != (Claim{}) && owner == a.claim && actors[0].claim != actors[1].claim:
			t.Errorf("%s: %+v was refused and owns the member", when, a.claim)
		case a.acquired && !a.released && owner != a.claim && !(owner.PlaneUID == a.claim.PlaneUID && owner.Epoch > a.claim.Epoch) && !released(actors, a):
			t.Errorf("%s: %+v was told that it owns the member, which is owned by %+v", when, a.claim, owner)
		}
	}
}

// released tells whether another actor of the same claim gave the member up.
func released(actors []*actor, but *actor) bool {
	for _, a := range actors {
		if a != but && a.claim == but.claim && a.released {
			return true
		}
	}
	return false
}

func TestRefusalNamesTheOwner(t *testing.T) {
	reg := &register{}
	free := client{reg, func() {}}
	owner := Claim{PlaneUID: "plane-a", Epoch: 3, ClaimID: "a"}
	if changed, err := Acquire(t.Context(), free, owner); err != nil || !changed {
		t.Fatalf("Acquire = %v, %v", changed, err)
	}
	if changed, err := Acquire(t.Context(), free, owner); err != nil || changed {
		t.Errorf("claiming again = %v, %v; want no change", changed, err)
	}
	for _, c := range []struct {
		claim Claim
		want  string
	}{
		{Claim{"plane-b", 9, "b"}, "the member is owned by control plane plane-a (epoch 3)"},
		{Claim{"plane-a", 2, "a"}, "the member was taken over by a later copy of this control plane (epoch 3, ours is 2)"},
		{Claim{"plane-a", 3, "z"}, "the member was claimed by another copy of this control plane in the same epoch 3 (claim a, ours is z)"},
	} {
		_, err := Acquire(t.Context(), free, c.claim)
		if err == nil || err.Error() != c.want {
			t.Errorf("Acquire(%+v) = %v, want %q", c.claim, err, c.want)
		}
		if released, err := Release(t.Context(), free, c.claim); released || err != nil {
			t.Errorf("Release(%+v) = %v, %v; want it left alone", c.claim, released, err)
		}
	}
	if got, owned, err := Read(t.Context(), free); got != owner || !owned || err != nil {
		t.Errorf("Read = %+v, %v, %v", got, owned, err)
	}
}

// What cannot be read is not claimed over: it may be a later version's.
func TestUnreadableOwnershipIsLeftAlone(t *testing.T) {
	reg := &register{object: &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{ResourceVersion: "1"}, Data: map[string]string{wellknown.PlaneUIDKey: "x"}}}
	free := client{reg, func() {}}
	if _, err := Acquire(t.Context(), free, Claim{PlaneUID: types.UID("plane-a"), Epoch: 1, ClaimID: "a"}); !errors.Is(err, ErrUnreadable) {
		t.Errorf("Acquire = %v, want ErrUnreadable", err)
	}
}

func TestParse(t *testing.T) {
	for _, c := range []struct {
		data map[string]string
		want string
	}{
		{map[string]string{"planeUID": "p", "epoch": "1", "claimID": "c"}, ""},
		{map[string]string{"planeUID": "p", "epoch": "one", "claimID": "c"}, `epoch is "one", want a decimal number`},
		{map[string]string{"planeUID": "p", "epoch": "0", "claimID": "c"}, "epoch is 0, want 1 or more"},
		{map[string]string{"epoch": "1", "claimID": "c"}, "planeUID is empty"},
		{map[string]string{"planeUID": "p", "epoch": "1"}, "claimID is empty"},
	} {
		_, err := Parse(c.data)
		if got := fmt.Sprint(err); (c.want == "") != (err == nil) || (err != nil && got != c.want) {
			t.Errorf("Parse(%v) = %v, want %q", c.data, err, c.want)
		}
	}
}
