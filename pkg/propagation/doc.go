// Package propagation takes templates to members and brings their status back. It
// wires the stages, each a package with one loop and one thing that it writes:
//
//	templates → match → (scheduler) → dependencies → bind (override) → dispatch → member
//	members → observe → reflect → aggregate → template status
//
// match writes claims and bindings, dependencies which bindings require which, bind Works, dispatch the members' objects,
// reflect the status of Works, aggregate those of bindings and templates; failover takes clusters out of bindings that
// have to be left, for the scheduler to place anew. All are
// level-triggered over caches, share settle's queues, and can be killed between any
// two writes. Setup adds them to a manager, which elects who runs them.
package propagation
