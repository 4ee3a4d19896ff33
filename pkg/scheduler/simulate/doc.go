// Package simulate supposes: what would the clusters be like if, and what would be
// left of them once a workload were placed. It turns one snapshot into another and
// never touches the store that the first came from, so nothing that it supposes is
// seen by real decisions.
package simulate
