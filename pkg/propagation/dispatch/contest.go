package dispatch

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"atoll.dev/atoll/pkg/propagation/compact"
	"atoll.dev/atoll/pkg/propagation/observe"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/structured-merge-diff/v6/fieldpath"
)

// Somebody in a member may insist on other values than the template's. What is changed by hand is
// corrected at once; a field that comes back more often than contestedAfter times in contestWindow is
// contested: its object is left as it is for firstPause, and after each further correction that does
// not last for twice as long as before, up to longestPause.
const (
	contestedAfter = 5
	contestWindow  = 5 * time.Minute
	firstPause     = time.Minute
	longestPause   = time.Hour
)

// deletedField stands for the whole object in what is counted.
const deletedField = "the object itself, which is deleted"

// contest is what is remembered of others undoing what we applied to one object. It is lost with the
// process: the next one begins to count anew. Only the worker that holds the Work's name uses it.
type contest struct {
	// hash is the manifest, uid the object that is contested.
	hash string
	// corrected holds when which field was corrected, within the window.
	corrected map[string][]time.Time
	// at is the version that was judged last: a retry of one correction is not another.
	at string
	// last is when something was corrected last, until is up to when nothing is.
	last, until time.Time
	pauses      int
	// report says who contests what; empty if nobody does.
	report string
}

// pause judges a correction that is due: 0 means that it may be made, begun that a pause has just begun.
func (c *contest) pause(now time.Time, hash, version string, fields []string) (rest time.Duration, begun bool) {
	if c.hash != hash {
		*c = contest{hash: hash}
	}
	if rest := c.until.Sub(now); rest > 0 {
		return rest, false
	}
	if c.at == version {
		return 0, false
	}
	allowed := contestedAfter
	if c.pauses > 0 {
		allowed = 1
	}
	c.at, c.last = version, now
	if c.corrected == nil {
		c.corrected = map[string][]time.Time{}
	}
	for field, times := range c.corrected {
		c.corrected[field] = slices.DeleteFunc(times, func(t time.Time) bool { return now.Sub(t) >= contestWindow })
	}
	over := false
	for _, field := range fields {
		c.corrected[field] = append(c.corrected[field], now)
		over = over || len(c.corrected[field]) > allowed
	}
	if !over {
		return 0, false
	}
	rest = min(firstPause<<min(c.pauses, 10), longestPause)
	c.pauses++
	c.until, c.corrected = now.Add(rest), nil
	return rest, true
}

// agreed takes note that the object is as it is wanted. It returns when to look again whether that lasts;
// 0 if there is nothing to wait for.
func (c *contest) agreed(now time.Time) time.Duration {
	if c.pauses == 0 {
		return 0
	}
	if rest := c.last.Add(contestWindow).Sub(now); rest > 0 && !now.Before(c.until) {
		return rest // we corrected it last: who contests it may not have noticed yet
	}
	*c = contest{} // they gave in, during the pause or by letting the correction stand
	return 0
}

// errContested means that the object is left as it is for now.
type errContested struct {
	report string
	rest   time.Duration
	// begun tells that it was found out just now.
	begun bool
}

func (e *errContested) Error() string { return e.report }

// contestReport names the fields and who owns them in the member now.
func contestReport(m manifest, cluster string, fields []string, managed []metav1.ManagedFieldsEntry, rest time.Duration) string {
	const most = 5
	managers := strings.Join(managersOf(fields, managed), ", ")
	if managers == "" {
		managers = "somebody"
	}
	shown := fields
	if len(shown) > most {
		shown = append(slices.Clone(shown[:most]), fmt.Sprintf("and %d more", len(fields)-most))
	}
	return fmt.Sprintf("%s in cluster %s keeps changing %s of %s %s away from the template; it is left as it is for %s, until the template changes or they agree",
		managers, cluster, strings.Join(shown, ", "), m.GetKind(), m.key(), rest)
}

// managersOf returns the names of the managers, other than we, that own any of the fields.
func managersOf(fields []string, managed []metav1.ManagedFieldsEntry) []string {
	names := map[string]bool{}
	for _, entry := range managed {
		if entry.Manager == observe.FieldManager || entry.FieldsV1 == nil {
			continue
		}
		var set fieldpath.Set
		if set.FromJSON(strings.NewReader(string(entry.FieldsV1.Raw))) != nil {
			continue
		}
		set.Iterate(func(p fieldpath.Path) {
			owned := p.String()
			for _, field := range fields {
				if within(owned, field) || within(field, owned) {
					names[entry.Manager] = true
				}
			}
		})
	}
	return slices.Sorted(maps.Keys(names))
}

// within tells whether path is field or lies below it.
func within(path, field string) bool {
	rest, ok := strings.CutPrefix(path, field)
	return ok && (rest == "" || rest[0] == '.' || rest[0] == '[')
}

// differences appends the paths, as server-side apply writes them, where present does not hold what is wanted.
func differences(wanted, present any, at string, all []string) []string {
	if holds(wanted, present) {
		return all
	}
	switch w := wanted.(type) {
	case map[string]any:
		p, ok := present.(map[string]any)
		if !ok && present != nil {
			break
		}
		for _, field := range slices.Sorted(maps.Keys(w)) {
			all = differences(w[field], p[field], at+"."+field, all)
		}
		return all
	case []any:
		p, ok := present.([]any)
		if !ok {
			break
		}
		before := len(all)
		for _, item := range w {
			name, named := nameOf(item)
			if !named {
				return append(all[:before], at)
			}
			i := slices.IndexFunc(p, func(v any) bool { n, ok := nameOf(v); return ok && n == name })
			if i < 0 {
				all = append(all, fmt.Sprintf("%s[name=%q]", at, name))
				continue
			}
			all = differences(item, p[i], fmt.Sprintf("%s[name=%q]", at, name), all)
		}
		if len(all) > before {
			return all
		}
	}
	return append(all, at)
}

func nameOf(item any) (string, bool) {
	fields, _ := item.(map[string]any)
	name, ok := fields["name"].(string)
	return name, ok
}

// fields are what others changed of the object, our own marks apart.
func (m manifest) fields(obj *compact.Object) ([]string, error) {
	present, err := obj.Specification()
	if err != nil {
		return nil, err
	}
	all := differences(m.Object, present.Object, "", nil)
	return all, nil
}

// applied tells whether what we brought about last is this manifest in this object.
func (m manifest) applied(rec memory, uid types.UID) bool {
	return rec.hash == m.hash && rec.uid == uid && rec.scaled == m.scaled
}
