// Package storagepinning keeps a workload where its volumes are. A volume that
// lives on a member's own nodes cannot follow: a workload that is placed elsewhere
// would start empty, and the propagated claim would be deleted with what it holds.
//
// Which claims a workload uses is in the annotation that package footprint
// describes, which claims are bound to local volumes is in the member's node view.
// A cluster that holds the workload and has such a claim is pinned, and so is one
// whose view is unknown while the workload has claims. This means:
//   - Divided replicas: none leaves a pinned cluster, whatever weights, room or a
//     fresh decision say; what the others get shrinks accordingly. When the number of
//     replicas falls below what pinned clusters hold, these alone share what is left,
//     though a spread constraint may ask for more clusters.
//   - Undivided placement that limits the number of clusters: pinned clusters come
//     first, and all others are refused once they fill the limit. Without a limit
//     nothing is refused, since a copy elsewhere takes none away.
//   - Cluster groups: no group is fallen back to that leaves out a pinned cluster
//     which another group still allows, and preferred clusters of a group take nothing
//     from pinned overflow clusters.
//   - Spread constraints that would leave out a pinned cluster in favour of another
//     fail the decision: the workload stays as it is and its condition says why.
//
// What somebody decides explicitly is stronger: a placement that no longer allows
// the cluster, an eviction, the removal of the cluster. Pins look at clusters that
// hold the workload only: a workload that comes back to where it once was, and to
// volumes left there, is not drawn there.
package storagepinning
