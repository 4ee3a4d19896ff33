package membership

import (
	"encoding/base64"
	"testing"

	rbacv1 "k8s.io/api/rbac/v1"
)

func TestServiceAccountOf(t *testing.T) {
	token := func(payload string) string {
		return "e30." + base64.RawURLEncoding.EncodeToString([]byte(payload)) + ".c2ln"
	}
	karmadactl := rbacv1.Subject{Kind: "ServiceAccount", Namespace: "karmada-cluster", Name: "karmada-impersonator"}
	for _, test := range []struct {
		name, token string
		want        rbacv1.Subject
	}{
		{"a service account's", token(`{"iss":"x","sub":"system:serviceaccount:karmada-cluster:karmada-impersonator"}`), karmadactl},
		{"with the end of a line", token(`{"sub":"system:serviceaccount:karmada-cluster:karmada-impersonator"}`) + "\n", karmadactl},
		{"a person's", token(`{"sub":"alice"}`), rbacv1.Subject{}},
		{"no JWT", "abcdef.0123456789abcdef", rbacv1.Subject{}},
		{"no JSON", token("x"), rbacv1.Subject{}},
		{"no base64", "a.%.c", rbacv1.Subject{}},
		{"empty", "", rbacv1.Subject{}},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, ok := serviceAccountOf([]byte(test.token))
			if got != test.want || ok != (test.want.Name != "") {
				t.Errorf("got %v, %t, want %v", got, ok, test.want)
			}
		})
	}
}
