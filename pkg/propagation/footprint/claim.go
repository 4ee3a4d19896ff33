package footprint

import (
	"slices"
	"strings"
)

// FormatClaims returns the annotation's value, empty if there are no claims.
func FormatClaims(claims []string) string {
	return strings.Join(slices.Compact(slices.Sorted(slices.Values(claims))), ",")
}

// ParseClaims reads an annotation's value.
func ParseClaims(value string) []string {
	if value == "" {
		return nil
	}
	return slices.DeleteFunc(strings.Split(value, ","), func(claim string) bool { return claim == "" })
}

// Covers tells whether a claim as a footprint names it stands for the claim of the
// given name: it is the name, or all of it but an ordinal.
func Covers(claim, name string) bool {
	if !strings.HasSuffix(claim, "-") {
		return claim == name
	}
	ordinal, ok := strings.CutPrefix(name, claim)
	return ok && ordinal != "" && strings.Trim(ordinal, "0123456789") == ""
}
