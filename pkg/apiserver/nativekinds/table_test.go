package nativekinds

import (
	"context"
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"testing"

	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
)

// TestDiscoveryIsKarmadas compares what discovery and tables say of every kind with Karmada's CRDs.
func TestDiscoveryIsKarmadas(t *testing.T) {
	_, lists, err := discovery.NewDiscoveryClientForConfigOrDie(plane.config).ServerGroupsAndResources()
	if err != nil {
		t.Fatal(err)
	}
	served := map[string]metav1.APIResource{}
	for _, list := range lists {
		for _, r := range list.APIResources {
			served[list.GroupVersion+" "+r.Name] = r
		}
	}
	for _, crd := range karmadaCRDs(t) {
		names := crd.Spec.Names
		for _, v := range crd.Spec.Versions {
			gv := crd.Spec.Group + "/" + v.Name
			r, found := served[gv+" "+names.Plural]
			if !found {
				t.Errorf("%s %s is not served", gv, names.Plural)
				continue
			}
			got := []any{r.Kind, r.SingularName, r.Namespaced, len(r.ShortNames), strings.Join(r.ShortNames, ","), strings.Join(r.Categories, ",")}
			want := []any{names.Kind, names.Singular, crd.Spec.Scope == apiextensionsv1.NamespaceScoped, len(names.ShortNames), strings.Join(names.ShortNames, ","), strings.Join(names.Categories, ",")}
			if !reflect.DeepEqual(got, want) {
				t.Errorf("%s %s is %v, want %v", gv, names.Plural, got, want)
			}
			_, status := served[gv+" "+names.Plural+"/status"]
			if want := v.Subresources != nil && v.Subresources.Status != nil; status != want {
				t.Errorf("%s %s/status is served: %v, want %v", gv, names.Plural, status, want)
			}
			columns := v.AdditionalPrinterColumns
			if columns == nil {
				columns = []column{age("Age")}
			}
			var wantColumns []string
			for _, c := range columns {
				wantColumns = append(wantColumns, fmt.Sprint(c.Name, c.Type, c.Format, c.Priority))
			}
			var gotColumns []string
			for _, c := range tableOfList(t, gv, names.Plural).ColumnDefinitions[1:] {
				gotColumns = append(gotColumns, fmt.Sprint(c.Name, c.Type, c.Format, c.Priority))
			}
			if !reflect.DeepEqual(gotColumns, wantColumns) {
				t.Errorf("columns of %s %s are %v, want %v", gv, names.Plural, gotColumns, wantColumns)
			}
		}
	}
}

// TestCells wants the cells of kubectl get -o wide.
func TestCells(t *testing.T) {
	ctx := context.Background()
	name := namespaceOf(t)
	for _, c := range []struct{ kind, resource, group, version, want string }{
		{"cluster", "clusters", "cluster.karmada.io", v1alpha1, `NAME=testcells VERSION=v1.35.0 MODE=Push READY=True AGE=0s ZONES=a,b REGION=north PROVIDER=openstack API-ENDPOINT=https://10.0.0.1:6443 PROXY-URL=<none>`},
		{"propagationpolicy", "propagationpolicies", "policy.karmada.io", v1alpha1, `NAME=testcells CONFLICT-RESOLUTION=Overwrite PRIORITY=5 AGE=0s`},
		{"clustertaintpolicy", "clustertaintpolicies", "policy.karmada.io", v1alpha1, `NAME=testcells AGE=0s`},
		{"resourcebinding", "resourcebindings", "work.karmada.io", v1alpha2, `NAME=testcells SCHEDULED=True FULLYAPPLIED=<nil> AGE=0s`},
		{"", "resourcebindings", "work.karmada.io", v1alpha1, `NAME=testcells AGE=0s`},
		{"work", "works", "work.karmada.io", v1alpha1, `NAME=testcells WORKLOAD-KIND=ConfigMap APPLIED=True AGE=0s`},
		{"resourceinterpretercustomization", "resourceinterpretercustomizations", "config.karmada.io", v1alpha1, `NAME=testcells TARGET-API-VERSION=batch/v1 TARGET-KIND=Deployment AGE=0s`},
		{"federatedhpa", "federatedhpas", "autoscaling.karmada.io", v1alpha1, `NAME=testcells REFERENCE-KIND=Deployment REFERENCE-NAME=nginx MINPODS=1 MAXPODS=5 REPLICAS=2 AGE=0s`},
		{"federatedresourcequota", "federatedresourcequotas", "policy.karmada.io", v1alpha1, `NAME=testcells OVERALL={"cpu":"10"} OVERALL_USED={"cpu":"1"}`},
	} {
		t.Run(c.resource+"."+c.version, func(t *testing.T) {
			if c.kind != "" {
				u := sample(t, c.kind)
				u.SetName(name)
				if u.GetNamespace() != "" {
					u.SetNamespace(name)
				}
				if c.kind == "resourceinterpretercustomization" {
					set(t, u, "batch/v1", "spec", "target", "apiVersion")
				}
				if c.kind == "propagationpolicy" {
					set(t, u, []any{map[string]any{"apiVersion": "v1", "kind": "Secret", "name": "a"}}, "spec", "resourceSelectors")
				}
				r := resourceIn(c.group, c.version, c.resource, u.GetNamespace())
				created := must(r.Create(ctx, u, metav1.CreateOptions{}))
				if status, found := u.Object["status"]; found {
					created.Object["status"] = status
					must(r.UpdateStatus(ctx, created, metav1.UpdateOptions{}))
				}
			}
			table := tableOfList(t, c.group+"/"+c.version, c.resource)
			got := ""
			for _, row := range table.Rows {
				if row.Cells[0] != name {
					continue
				}
				for i, cell := range row.Cells {
					if strings.EqualFold(table.ColumnDefinitions[i].Name, "age") && cell != "<unknown>" {
						cell = "0s" // some seconds may have passed
					}
					got += fmt.Sprintf(" %s=%v", strings.ToUpper(table.ColumnDefinitions[i].Name), cell)
				}
			}
			if strings.TrimSpace(got) != c.want {
				t.Errorf("cells are\n%s\nwant\n%s", strings.TrimSpace(got), c.want)
			}
		})
	}
}

// tableOfList asks for a list as kubectl get does.
func tableOfList(t *testing.T, groupVersion, resource string) *metav1.Table {
	t.Helper()
	gv, err := schema.ParseGroupVersion(groupVersion)
	if err != nil {
		t.Fatal(err)
	}
	config := rest.CopyConfig(plane.config)
	config.GroupVersion, config.APIPath, config.NegotiatedSerializer = &gv, "/apis", scheme.Codecs
	c, err := rest.RESTClientFor(config)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := c.Get().Resource(resource).SetHeader("Accept", "application/json;as=Table;v=v1;g=meta.k8s.io").DoRaw(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	table := &metav1.Table{}
	if err := json.Unmarshal(raw, table); err != nil {
		t.Fatal(err)
	}
	return table
}
