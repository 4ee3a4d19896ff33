// Package division shares out replicas among clusters in proportion to weights,
// by Webster's method (Sainte-Laguë): each replica in turn goes to the cluster
// with the highest weight / (2·replicas + 1). For example 9 replicas over weights
// 1 and 3 become 2 and 7.
//
// Two properties follow from handing out one replica after the other, and the
// scheduler leans on them: one replica more never takes one away from any cluster,
// and weights that add up to the number of replicas, or more, are never exceeded.
package division
