package lua

import (
	"errors"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	configv1alpha1 "github.com/karmada-io/karmada/pkg/apis/config/v1alpha1"
	glua "github.com/yuin/gopher-lua"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"atoll.dev/atoll/apis/karmada/customization"
)

// health returns a customization "test" that says how healthy something is.
func health(script string) []*configv1alpha1.ResourceInterpreterCustomization {
	c := &configv1alpha1.ResourceInterpreterCustomization{}
	c.Name = "test"
	c.Spec.Customizations.HealthInterpretation = &configv1alpha1.HealthInterpretation{LuaScript: script}
	return []*configv1alpha1.ResourceInterpreterCustomization{c}
}

// eval runs the body of a function and returns what it returns, as a string.
func eval(t *testing.T, e *Engine, body string) (string, error) {
	t.Helper()
	var got string
	rule := customization.Rule{Field: "test", Function: "Test"}
	s := e.compile("test", rule, "function Test()\n"+body+"\nend")
	err := s.run(t.Context(), 1, nil, func(_ *vm, out []glua.LValue) error {
		got = out[0].String()
		return nil
	})
	return got, err
}

// What the meter rewrites must do what Lua does.
func TestMeteredLua(t *testing.T) {
	for body, want := range map[string]string{
		`return "a" .. 1 .. "b" .. 2.5`:                                                                 "a1b2.5",
		`local function two() return "x", "y" end return "a" .. two()`:                                  "ax",
		`local function f(...) return "a" .. ... end return f("b", "c")`:                                "ab",
		`local s = "a" for i = 1, 3 do s = s .. s end return s`:                                         "aaaaaaaa",
		`local function f(s) s = s .. "!" return s end return f("a")`:                                   "a!",
		`local function f(t) t[1], t[2] = t[2], t[1] return t[1] .. t[2] end return f({"a", "b"})`:      "ba",
		`local i, t = 1, {} i, t[i] = i + 1, 20 return i .. t[1]`:                                       "220",
		`local t = {} local function f() return 1, 2, 3 end t[1], t[2] = f() return t[1] + t[2]`:        "3",
		`local t = {} t[1], t[2] = 1 return tostring(t[2])`:                                             "nil",
		`local t = {} t["x y"] = 1 t[#t + 1] = "q" return t["x y"] .. t[1]`:                             "1q",
		`local function fac(n) if n < 2 then return 1 end return n * fac(n - 1) end return fac(5)`:      "120",
		`local fac fac = function(n) return n < 2 and 1 or n * fac(n - 1) end return fac(5)`:            "120",
		`local t = {f = function(x) return x + 1 end} return t.f(1)`:                                    "2",
		`local t = {n = 1} function t:inc() self.n = self.n + 1 return self end return t:inc():inc().n`: "3",
		`local function f(s) s = (s:gsub("a", "b")) return s end return f("aa")`:                        "bb",
		`local function f(a, s) s, a = tostring(s), 1 return s .. a end return f(1, 2)`:                 "21",
		`local function f(...) local t = {...} return #t end return f(1, 2, 3)`:                         "3",
		`local t = {1, 2, (function() return 3, 4 end)()} return #t`:                                    "4",
		`local t = {} for k, v in pairs({a = 1, b = 2}) do t[k] = v end return t.a + t.b`:               "3",
		`local t = {} t[1] = 1 t[1] = nil return #t`:                                                    "0",
		`local t = {} for i = 1, 10 do t[i] = function() return i end end return t[3]() + t[7]()`:       "10",
		`x = 1 local function f() x = x + 1 return x end return f() + f()`:                              "5",
		`local ok, e = pcall(function() local t = nil t["a" .. 1] = 1 end) return e`:                    "luaScript:2: attempt to index a non-table object(nil) with key 'a1'",
		`local ok, e = pcall(function() return "a" .. nil end) return e`:                                "luaScript:2: cannot perform concat operation between string and nil",
		`repeat local t = {1} until t[1] == 1 return "done"`:                                            "done",
		`local a = {b = {}} a.b["c"], a.d = 1, {2} return a.b.c + a.d[1]`:                               "3",
		`return type(_G) .. type(_G.string) .. tostring(_G.io) .. tostring(debug)`:                      "tabletablenilnil",
		`string.foo = "leak" return string.foo`:                                                         "leak",
		`return tostring(string.foo)`:                                                                   "nil",
		`error = "" error = nil return tostring(error)`:                                                 "nil",
		`return require("kube").resourceAdd("1", "500m", nil)`:                                          "1500m",
		`local kube = require("kube") return kube.getResourceQuantity("1Gi")`:                           "1073741824",
		`return math.max(1, 2) + math.floor(1.5)`:                                                       "3",
		`return os.date("!%Y", 0)`:                                                                      "1970",
	} {
		e := NewEngine(Options{})
		if got, err := eval(t, e, body); err != nil || got != want {
			t.Errorf("%s\nreturns %q, %v, want %q", body, got, err, want)
		}
	}
}

func TestForbidden(t *testing.T) {
	e := NewEngine(Options{})
	for body, want := range map[string]string{
		`return io.open("/etc/passwd")`:                    "attempt to index a non-table object(nil) with key 'open'",
		`return os.execute("true")`:                        "attempt to call a non-function object",
		`return os.getenv("HOME")`:                         "attempt to call a non-function object",
		`return loadstring("return 1")()`:                  "call function loadstring is not supported",
		`return dofile("/etc/passwd")`:                     "call function dofile is not supported",
		`return setmetatable({}, {})`:                      "call function setmetatable is not supported",
		`return getmetatable("").__index`:                  "call function getmetatable is not supported",
		`return require("os.path")`:                        "module os.path not found",
		`return require("io")`:                             "module io not found",
		`return coroutine.create(print)`:                   "attempt to index a non-table object(nil)",
		`return debug.getinfo(1)`:                          "attempt to index a non-table object(nil)",
		`return package.loaded`:                            "attempt to index a non-table object(nil)",
		`math.randomseed(1)`:                               "attempt to call a non-function object",
		`return require("kube").resourceAdd("many")`:       `"many" is not a quantity`,
		`local function f() return f() + 1 end return f()`: "stack overflow",
		`return string.format("%999999999d", 1)`:           "invalid format",
	} {
		if _, err := eval(t, e, body); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s\nfails with %v, want %q", body, err, want)
		}
	}
}

// Nothing that a script does may take more than its limits; each of these would take all there is.
func TestLimits(t *testing.T) {
	limits := Limits{Time: 300 * time.Millisecond, Memory: 16 << 20}
	for name, body := range map[string]string{
		"loop":               "while true do end",
		"loop that catches":  "while true do pcall(function() while true do end end) end",
		"doubling string":    `local s = "x" while true do s = s .. s end`,
		"doubling, catching": `local s = "x" while true do pcall(function() s = s .. s end) end`,
		"rep":                `return string.rep("x", 1e9)`,
		"rep of rep":         `return ("x"):rep(1e4):rep(1e4):rep(1e4)`,
		"list":               `local t = {} while true do t[#t + 1] = "x" end`,
		"insert":             `local t = {} while true do table.insert(t, "x") end`,
		"map":                `local t, i = {}, 0 while true do i = i + 1 t["k" .. i] = i end`,
		"numbers as keys":    `local t, i = {}, 0.5 while true do i = i + 1 t[i] = i end`,
		"sparse":             `local t = {} t[60000000] = 1`,
		"sparse many":        `local t = {} for i = 1, 1000 do local u = {} u[60000000] = i t[i] = u end`,
		"sparse insert":      `local t = {} table.insert(t, 60000000, 1)`,
		"tables":             `local t while true do t = {t} end`,
		"tables in locals":   `local t while true do t = {a = t, b = 1} end`,
		"closures":           `local f while true do local g = f f = function() return g end end`,
		"named closures":     `local f while true do local g = f local function h() return g end f = h end`,
		"concat":             `local t = {} for i = 1, 1000 do t[i] = ("x"):rep(1000) end while true do t[1] = table.concat(t) end`,
		"gsub":               `local s = ("x"):rep(1000) while true do s = s:gsub("x", "xx") end`,
		"gsub of captures":   `return (("x"):rep(1e6):gsub("^(.*)$", ("%1"):rep(1e4)))`,
		"pattern":            `return ("a"):rep(100000):find(".-.-.-.-.-.-b")`,
		"pattern in gmatch":  `for a in ("a"):rep(100000):gmatch(".-.-.-.-.-.-b") do end`,
		"upper":              `local s = ("x"):rep(1e6) local t = {} while true do t[#t + 1] = s:upper() end`,
		"format":             `local s = ("x"):rep(1e6) local t = {} while true do t[#t + 1] = string.format("%s%s", s, s) end`,
		"sort":               `local t = {} for i = 1, 1e5 do t[i] = i end while true do table.sort(t, function(a, b) return a > b end) end`,
		"unpack":             `local t = {} while true do pcall(unpack, t, 1, 1e9) end`,
		"deep recursion":     `local function f() return pcall(f) end while true do f() end`,
		"error of tables":    `while true do pcall(error, {}) end`,
		"tostring":           `local t = {} while true do t[#t + 1] = tostring(#t) end`,
		"own meter":          `_G["(set)"] = nil local t = {} while true do t = {t} end`,
	} {
		t.Run(name, func(t *testing.T) {
			var before, after runtime.MemStats
			runtime.GC()
			runtime.ReadMemStats(&before)
			start := time.Now()
			_, err := eval(t, NewEngine(Options{Limits: limits}), body)
			took := time.Since(start)
			runtime.ReadMemStats(&after)
			if !errors.Is(err, ErrLimit) {
				t.Errorf("fails with %v, want a limit", err)
			}
			if took > 20*limits.Time {
				t.Errorf("takes %s with a limit of %s", took, limits.Time)
			}
			if grown := int64(after.HeapSys) - int64(before.HeapSys); grown > 16*limits.Memory {
				t.Errorf("the heap has grown by %d MiB with a limit of %d MiB", grown>>20, limits.Memory>>20)
			}
		})
	}
}

func TestResultTooLarge(t *testing.T) {
	c := &configv1alpha1.ResourceInterpreterCustomization{}
	c.Spec.Customizations.StatusReflection = &configv1alpha1.StatusReflection{LuaScript: `
function ReflectStatus(o)
  local t = {"x"}
  for i = 1, 40 do t = {t, t} end
  return {all = t}
end`}
	e := NewEngine(Options{Limits: Limits{Memory: 1 << 20}})
	_, err := e.Hooks([]*configv1alpha1.ResourceInterpreterCustomization{c}).ReflectStatus(t.Context(), &unstructured.Unstructured{Object: map[string]any{}})
	if !errors.Is(err, ErrLimit) {
		t.Errorf("fails with %v, want a limit", err)
	}
}

func TestCallsDoNotSeeEachOther(t *testing.T) {
	hooks := NewEngine(Options{}).Hooks(health(`
seen = (seen or 0) + 1
string.seen = (string.seen or 0) + 1
function InterpretHealth(o)
  count = (count or 0) + 1
  _G.other = (_G.other or 0) + 1
  kube = require("kube")
  kube.seen = (kube.seen or 0) + 1
  return seen + count + other + string.seen + kube.seen == 5
end`))
	var group sync.WaitGroup
	for range 4 {
		group.Go(func() {
			for range 50 {
				if ok, err := hooks.Healthy(t.Context(), &unstructured.Unstructured{Object: map[string]any{}}); !ok || err != nil {
					t.Errorf("a call sees another one: %v, %v", ok, err)
					return
				}
			}
		})
	}
	group.Wait()
}

// A script that loops is not run for every object of its kind.
func TestLoopingScriptRests(t *testing.T) {
	hooks := NewEngine(Options{Limits: Limits{Time: 20 * time.Millisecond}}).Hooks(health("function InterpretHealth(o) while true do end end"))
	start := time.Now()
	for range 1000 {
		if _, err := hooks.Healthy(t.Context(), &unstructured.Unstructured{Object: map[string]any{}}); !errors.Is(err, ErrLimit) {
			t.Fatalf("fails with %v, want the limit", err)
		}
	}
	if took := time.Since(start); took > 2*time.Second {
		t.Errorf("1000 calls took %s, want them refused after the first few", took)
	}
}

func TestErrorsNameTheCustomization(t *testing.T) {
	for script, want := range map[string]string{
		"function InterpretHealth(o)\n  return o.status.replicas > 1\nend": "customization test: InterpretHealth: luaScript:2: attempt to index a non-table object(nil) with key 'replicas'",
		"function InterpretHealth(o) error('no luck') end":                 "customization test: InterpretHealth: luaScript:1: no luck",
		"function InterpretHealth(o) error({1}) end":                       "customization test: InterpretHealth: table: ",
		"function InterpretHealth(o) end":                                  "customization test: InterpretHealth: returns a nil, must return true or false",
		"function InterpretHealth(o) return true":                          "customization test: InterpretHealth: spec.customizations.healthInterpretation.luaScript syntax error at the end of the script",
		"function Healthy(o) return true end":                              "customization test: InterpretHealth: spec.customizations.healthInterpretation.luaScript does not define the function InterpretHealth",
		"local x = nil + 1 function InterpretHealth(o) return true end":    "customization test: InterpretHealth: luaScript:1: cannot perform add operation between nil and number",
	} {
		_, err := NewEngine(Options{}).Hooks(health(script)).Healthy(t.Context(), &unstructured.Unstructured{Object: map[string]any{}})
		if err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%s\nfails with %v, want %s", script, err, want)
		}
	}
}
