// Package announce tells of decisions by core events, which Karmada's clients wait
// for: none may be lost because many are told at once, as client-go's recorder loses
// them beyond a thousand. Whoever decides puts an event into a bounded queue; writers
// take them out, those of one object in order, and send them to the API server as
// protobuf. A full queue makes the teller wait, so that deciding is never faster than
// telling for long. Repeated events are counted up and spam is dropped as client-go does.
package announce
