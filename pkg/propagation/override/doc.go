// Package override changes what a member gets of a template. It holds the
// OverridePolicies and ClusterOverridePolicies as watches deliver them; the binder
// asks it for each manifest and cluster, as the last step before a Work, and is told
// which templates a changed policy concerns. It writes nothing.
//
// The order is fixed, and later changes see what earlier ones made: first the
// cluster-wide policies, then those of the template's namespace; within each scope
// the policies that select by kind, then by labels, then by name, and those of one
// exactness by their own names; within a policy its rules as they are listed; within
// a rule images, command, args, labels, annotations, fields, plaintext. All selectors
// look at the template as it was before any override. Of several policies that set
// the same value the last one therefore wins: the namespaced, and the most exact.
package override
