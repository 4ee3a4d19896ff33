// Package reflect writes the status of Works: whether a Work has been applied
// (the dispatcher's verdict) and how its objects are doing in the member (what
// the observers see, as the interpreter reads it). It is the only writer of that
// status. Changes of one Work are brought together: the first is written at once,
// those that follow within the settle window with the next write.
package reflect
