// Package footprint reads from a template what it takes of a member beyond
// resources: fixed ports of its nodes, the volume claims of its pods, and the
// architecture and operating system that these need. Package match writes them as annotations of the template's binding, the scheduler reads
// them from there; an annotation is there only if there is anything to say.
//
// The format is canonical, so that equal footprints are equal text: entries sorted
// and without repeats, separated by commas. A port is "node/TCP/30080",
// "host/UDP/53" or "host/TCP/8080@10.0.0.1"; a claim is a name, or a name's
// beginning if it ends in "-", as no name does: "data-db-" stands for the claims
// that StatefulSet db makes from its template data, "data-db-0" and so on. A platform
// is a node claim as JSON.
// Override policies are not looked at: a port that they alter counts as written.
package footprint
