// Package views lets the roles of one process share their watches on members, and
// follows all members for the scheduler. Ledgers starts a member's watches when the
// first role asks for them and stops them with the last, so that membership's status
// and the scheduler cost one watch a kind together and neither needs the other.
// A Follower keeps a ledger of each push member as long as it leads and tells of new
// views, paced. A member that is lost keeps its last view for a while; pull members,
// which the control plane does not reach, have none.
package views
