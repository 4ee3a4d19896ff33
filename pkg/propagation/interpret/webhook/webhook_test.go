package webhook

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"encoding/pem"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	configv1alpha1 "github.com/karmada-io/karmada/pkg/apis/config/v1alpha1"
	workv1alpha2 "github.com/karmada-io/karmada/pkg/apis/work/v1alpha2"
	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/util/cert"
	"k8s.io/utils/ptr"

	"atoll.dev/atoll/pkg/propagation/interpret"
)

var widget = schema.GroupVersionKind{Group: "example.test", Version: "v1", Kind: "Widget"}

// server is an interpreter webhook with a certificate of its own.
type server struct {
	*httptest.Server
	ca     []byte
	calls  atomic.Int32
	answer func(*configv1alpha1.ResourceInterpreterRequest) *configv1alpha1.ResourceInterpreterResponse
}

func newServer(t *testing.T, answer func(*configv1alpha1.ResourceInterpreterRequest) *configv1alpha1.ResourceInterpreterResponse) *server {
	s := &server{answer: answer}
	s.Server = httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.calls.Add(1)
		var asked configv1alpha1.ResourceInterpreterContext
		if err := json.NewDecoder(r.Body).Decode(&asked); err != nil || asked.Request == nil || asked.Kind != "ResourceInterpreterContext" {
			t.Errorf("the question is not one: %v, %+v", err, asked)
		}
		response := s.answer(asked.Request)
		if response != nil && response.UID == "" {
			response.UID = asked.Request.UID
		}
		asked.Request, asked.Response = nil, response
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(asked)
	}))
	t.Cleanup(s.Close)
	s.ca = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw})
	return s
}

// configuration has one webhook for all operations on widgets.
func (s *server) configuration(name string) *configv1alpha1.ResourceInterpreterWebhookConfiguration {
	return &configv1alpha1.ResourceInterpreterWebhookConfiguration{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		Webhooks: []configv1alpha1.ResourceInterpreterWebhook{{
			Name:         "widgets.example.test",
			ClientConfig: admissionregistrationv1.WebhookClientConfig{URL: ptr.To(s.URL + "/interpret"), CABundle: s.ca},
			Rules: []configv1alpha1.RuleWithOperations{{
				Operations: []configv1alpha1.InterpreterOperation{"*", "InterpretComponent"},
				Rule:       configv1alpha1.Rule{APIGroups: []string{"example.test"}, APIVersions: []string{"v1"}, Kinds: []string{"Widget"}},
			}},
			TimeoutSeconds: ptr.To[int32](1), InterpreterContextVersions: []string{"v1alpha1"},
		}},
	}
}

func newInterpreter(t *testing.T, opts Options, all ...*configv1alpha1.ResourceInterpreterWebhookConfiguration) *Interpreter {
	t.Helper()
	i, err := New(opts)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range all {
		i.configurationChanged(nil, c)
	}
	return i
}

func object() *unstructured.Unstructured {
	return &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "example.test/v1", "kind": "Widget", "metadata": map[string]any{"name": "w", "namespace": "n"},
		"spec": map[string]any{"size": int64(9007199254740993)}, "status": map[string]any{"ready": int64(1)},
	}}
}

func TestOperations(t *testing.T) {
	var asked *configv1alpha1.ResourceInterpreterRequest
	response := &configv1alpha1.ResourceInterpreterResponse{}
	s := newServer(t, func(r *configv1alpha1.ResourceInterpreterRequest) *configv1alpha1.ResourceInterpreterResponse {
		asked = r
		copied := *response
		return &copied
	})
	h := newInterpreter(t, Options{}, s.configuration("c")).Hooks(widget)
	patch := func(p string) *configv1alpha1.ResourceInterpreterResponse {
		return &configv1alpha1.ResourceInterpreterResponse{Successful: true, PatchType: ptr.To(configv1alpha1.PatchTypeJSONPatch), Patch: []byte(p)}
	}
	ctx := t.Context()
	for name, c := range map[string]struct {
		response *configv1alpha1.ResourceInterpreterResponse
		ask      func(interpret.Hooks) (any, error)
		want     any
		err      string
	}{
		"InterpretReplica": {&configv1alpha1.ResourceInterpreterResponse{Successful: true, Replicas: ptr.To[int32](3)},
			func(h interpret.Hooks) (any, error) { n, _, err := h.Replicas(ctx, object()); return n, err }, int32(3), ""},
		"InterpretReplica without": {&configv1alpha1.ResourceInterpreterResponse{Successful: true},
			func(h interpret.Hooks) (any, error) { n, _, err := h.Replicas(ctx, object()); return n, err }, int32(0), "c/widgets.example.test: InterpretReplica: response.replicas is missing"},
		"InterpretComponent": {&configv1alpha1.ResourceInterpreterResponse{Successful: true, Components: []workv1alpha2.Component{{Name: "a", Replicas: 1}}},
			func(h interpret.Hooks) (any, error) { return h.Components(ctx, object()) }, []workv1alpha2.Component{{Name: "a", Replicas: 1}}, ""},
		"ReviseReplica": {patch(`[{"op":"replace","path":"/spec/size","value":2}]`),
			func(h interpret.Hooks) (any, error) {
				u, err := h.ReviseReplicas(ctx, object(), 2)
				if err != nil {
					return nil, err
				}
				return u.Object["spec"], nil
			}, map[string]any{"size": int64(2)}, ""},
		"Retain, integers stay": {patch(`[{"op":"add","path":"/spec/kept","value":true}]`),
			func(h interpret.Hooks) (any, error) {
				u, err := h.Retain(ctx, object(), object())
				if err != nil {
					return nil, err
				}
				return u.Object["spec"], nil
			}, map[string]any{"size": int64(9007199254740993), "kept": true}, ""},
		"Retain that does not apply": {patch(`[{"op":"remove","path":"/spec/none"}]`),
			func(h interpret.Hooks) (any, error) { _, err := h.Retain(ctx, object(), object()); return nil, err }, nil, "response.patch does not apply"},
		"InterpretStatus": {&configv1alpha1.ResourceInterpreterResponse{Successful: true, RawStatus: &runtime.RawExtension{Raw: []byte(`{"a":1}`)}},
			func(h interpret.Hooks) (any, error) {
				s, err := h.ReflectStatus(ctx, object())
				if err != nil {
					return nil, err
				}
				return string(s.Raw), nil
			}, `{"a":1}`, ""},
		"AggregateStatus": {patch(`[{"op":"replace","path":"/status/ready","value":5}]`),
			func(h interpret.Hooks) (any, error) {
				return h.AggregateStatus(ctx, object(), []workv1alpha2.AggregatedStatusItem{{ClusterName: "m"}})
			}, map[string]any{"ready": int64(5)}, ""},
		"InterpretHealth": {&configv1alpha1.ResourceInterpreterResponse{Successful: true, Healthy: ptr.To(true)},
			func(h interpret.Hooks) (any, error) { return h.Healthy(ctx, object()) }, true, ""},
		"InterpretDependency": {&configv1alpha1.ResourceInterpreterResponse{Successful: true, Dependencies: []configv1alpha1.DependentObjectReference{{APIVersion: "v1", Kind: "Secret", Name: "s"}}},
			func(h interpret.Hooks) (any, error) { return h.Dependencies(ctx, object()) }, []configv1alpha1.DependentObjectReference{{APIVersion: "v1", Kind: "Secret", Name: "s"}}, ""},
		"InterpretDependency of nothing": {&configv1alpha1.ResourceInterpreterResponse{Successful: true, Dependencies: []configv1alpha1.DependentObjectReference{{APIVersion: "v1", Kind: "Secret"}}},
			func(h interpret.Hooks) (any, error) { _, err := h.Dependencies(ctx, object()); return nil, err }, nil, "dependencies[0].name: Required value"},
		"no success": {&configv1alpha1.ResourceInterpreterResponse{Status: &configv1alpha1.RequestStatus{Message: "cannot say", Code: 500}},
			func(h interpret.Hooks) (any, error) { return h.Healthy(ctx, object()) }, false, "is not successful: cannot say (code 500)"},
		"no success, no reason": {&configv1alpha1.ResourceInterpreterResponse{},
			func(h interpret.Hooks) (any, error) { return h.Healthy(ctx, object()) }, false, "response.status is missing"},
		"another answer": {&configv1alpha1.ResourceInterpreterResponse{UID: "other", Successful: true, Healthy: ptr.To(true)},
			func(h interpret.Hooks) (any, error) { return h.Healthy(ctx, object()) }, false, `response.uid is "other"`},
	} {
		t.Run(name, func(t *testing.T) {
			response = c.response
			got, err := c.ask(h)
			if c.err != "" {
				if err == nil || !strings.Contains(err.Error(), c.err) {
					t.Errorf("fails with %v, want %q", err, c.err)
				}
				return
			}
			if err != nil || !cmp.Equal(got, c.want) {
				t.Errorf("answers %v, %v, want %v", got, err, c.want)
			}
			if asked.Name != "w" || asked.Namespace != "n" || asked.Kind.Kind != "Widget" || string(asked.Operation) != strings.Split(name, ",")[0] {
				t.Errorf("asked is %s of %v %s/%s", asked.Operation, asked.Kind, asked.Namespace, asked.Name)
			}
			switch asked.Operation {
			case configv1alpha1.InterpreterOperationReviseReplica:
				if *asked.DesiredReplicas != 2 {
					t.Errorf("asked for %d replicas, want 2", *asked.DesiredReplicas)
				}
			case configv1alpha1.InterpreterOperationRetain:
				if asked.ObservedObject == nil {
					t.Error("asked without the observed object")
				}
			case configv1alpha1.InterpreterOperationAggregateStatus:
				if len(asked.AggregatedStatus) != 1 {
					t.Error("asked without the statuses")
				}
			}
		})
	}
}

func healthy(answer bool) func(*configv1alpha1.ResourceInterpreterRequest) *configv1alpha1.ResourceInterpreterResponse {
	return func(*configv1alpha1.ResourceInterpreterRequest) *configv1alpha1.ResourceInterpreterResponse {
		return &configv1alpha1.ResourceInterpreterResponse{Successful: true, Healthy: &answer}
	}
}

func TestFirstByNameCounts(t *testing.T) {
	yes, no := newServer(t, healthy(true)), newServer(t, healthy(false))
	var told []schema.GroupVersionKind
	i := newInterpreter(t, Options{Changed: func(concerned func(schema.GroupVersionKind) bool) {
		for _, kind := range []schema.GroupVersionKind{widget, {Group: "example.test", Version: "v2", Kind: "Widget"}} {
			if concerned(kind) {
				told = append(told, kind)
			}
		}
	}}, no.configuration("b"), yes.configuration("a"))
	i.listening = true
	if ok, err := i.Hooks(widget).Healthy(t.Context(), object()); !ok || err != nil {
		t.Errorf("says %v, %v, want what the first by name says", ok, err)
	}
	i.configurationChanged(yes.configuration("a"), nil)
	if ok, err := i.Hooks(widget).Healthy(t.Context(), object()); ok || err != nil {
		t.Errorf("without the first says %v, %v, want what the second says", ok, err)
	}
	if len(told) != 1 || told[0] != widget {
		t.Errorf("the change concerns %v, want the kind of the rule", told)
	}
	if i.Hooks(schema.GroupVersionKind{Group: "apps", Version: "v1", Kind: "Deployment"}).Healthy != nil {
		t.Error("it knows a kind that no rule names")
	}
}

func TestComponentsMustBeNamed(t *testing.T) {
	s := newServer(t, healthy(true))
	c := s.configuration("c")
	c.Webhooks[0].Rules[0] = configv1alpha1.RuleWithOperations{
		Operations: []configv1alpha1.InterpreterOperation{"*"},
		Rule:       configv1alpha1.Rule{APIGroups: []string{"*"}, APIVersions: []string{"*"}, Kinds: []string{"*"}},
	}
	h := newInterpreter(t, Options{}, c).Hooks(widget)
	if h.Components != nil || h.Replicas == nil {
		t.Error("a webhook for * must be asked for replicas and not for components")
	}
}

type resolver func(namespace, name string, port int32) (*url.URL, error)

func (r resolver) ResolveEndpoint(namespace, name string, port int32) (*url.URL, error) {
	return r(namespace, name, port)
}

func TestService(t *testing.T) {
	s := newServer(t, healthy(true))
	c := s.configuration("c")
	c.Webhooks[0].ClientConfig = admissionregistrationv1.WebhookClientConfig{
		CABundle: s.ca, Service: &admissionregistrationv1.ServiceReference{Namespace: "system", Name: "hook", Path: ptr.To("/interpret"), Port: ptr.To[int32](8443)},
	}
	resolve := resolver(func(namespace, name string, port int32) (*url.URL, error) {
		if namespace != "system" || name != "hook" || port != 8443 {
			t.Errorf("looks for %s/%s:%d", namespace, name, port)
		}
		return url.Parse(s.URL)
	})
	// The certificate is for example.com: a server of another name must not be believed.
	_, err := newInterpreter(t, Options{Resolver: resolve}, c).Hooks(widget).Healthy(t.Context(), object())
	if err == nil || !strings.Contains(err.Error(), "hook.system.svc") {
		t.Errorf("fails with %v, want that the certificate is not for hook.system.svc", err)
	}

	certificate, key, err := cert.GenerateSelfSignedCertKey("hook.system.svc", nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	pair, err := tls.X509KeyPair(certificate, key)
	if err != nil {
		t.Fatal(err)
	}
	right := httptest.NewUnstartedServer(s.Config.Handler)
	right.TLS = &tls.Config{Certificates: []tls.Certificate{pair}}
	right.StartTLS()
	t.Cleanup(right.Close)
	c.Webhooks[0].ClientConfig.CABundle = certificate
	resolve = func(string, string, int32) (*url.URL, error) { return url.Parse(right.URL) }
	if ok, err := newInterpreter(t, Options{Resolver: resolve}, c).Hooks(widget).Healthy(t.Context(), object()); !ok || err != nil {
		t.Errorf("says %v, %v, want what the Service says", ok, err)
	}
}

func TestFailures(t *testing.T) {
	good := newServer(t, healthy(true))
	for name, c := range map[string]struct {
		change func(*configv1alpha1.ResourceInterpreterWebhook)
		want   string
	}{
		"another authority": {func(w *configv1alpha1.ResourceInterpreterWebhook) { w.ClientConfig.CABundle = nil }, "certificate"},
		"nobody listens": {func(w *configv1alpha1.ResourceInterpreterWebhook) {
			w.ClientConfig.URL = ptr.To("https://127.0.0.1:1/")
		}, "connection refused"},
		"another version": {func(w *configv1alpha1.ResourceInterpreterWebhook) { w.InterpreterContextVersions = []string{"v2"} }, "must contain v1alpha1"},
	} {
		config := good.configuration("c")
		c.change(&config.Webhooks[0])
		_, err := newInterpreter(t, Options{}, config).Hooks(widget).Healthy(t.Context(), object())
		if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), "c/widgets.example.test: InterpretHealth") {
			t.Errorf("%s: fails with %v, want %q", name, err, c.want)
		}
	}
}

// One that accepts connections and never answers holds nobody for long.
func TestSilentWebhookRests(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	good := newServer(t, healthy(true))
	c := good.configuration("c")
	c.Webhooks[0].ClientConfig.URL = ptr.To("https://" + l.Addr().String() + "/")
	h := newInterpreter(t, Options{}, c).Hooks(widget)
	start := time.Now()
	for range 100 {
		if _, err := h.Healthy(t.Context(), object()); err == nil {
			t.Fatal("a webhook that is silent has answered")
		}
	}
	if took := time.Since(start); took > 8*time.Second {
		t.Errorf("100 questions took %s, want them refused after the first three", took)
	}
}

func TestAnswerTooLong(t *testing.T) {
	s := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte(`{"kind":"`))
		chunk := []byte(strings.Repeat("x", 1<<20))
		for range 64 {
			if _, err := w.Write(chunk); err != nil {
				return
			}
		}
	}))
	t.Cleanup(s.Close)
	good := newServer(t, healthy(true))
	c := good.configuration("c")
	c.Webhooks[0].TimeoutSeconds = ptr.To[int32](30)
	c.Webhooks[0].ClientConfig = admissionregistrationv1.WebhookClientConfig{
		URL: &s.URL, CABundle: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw}),
	}
	_, err := newInterpreter(t, Options{}, c).Hooks(widget).Healthy(context.Background(), object())
	if err == nil || !strings.Contains(err.Error(), "more than 16 MiB") {
		t.Errorf("fails with %v, want that the answer is too long", err)
	}
}
