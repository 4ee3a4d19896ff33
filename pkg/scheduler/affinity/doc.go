// Package affinity tells which clusters a ClusterAffinity of a placement, a
// cluster group or a static weight means. Compile parses the rule once for a
// decision; the Matcher then answers for each cluster of a snapshot. All parts
// of a rule must hold: labels, fields, names, and not being excluded; an empty
// part holds for every cluster. A rule that cannot be parsed means no cluster.
package affinity
