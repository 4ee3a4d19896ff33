// Package promotion takes an object that runs in a member up into the control
// plane: a template made from it and a policy that sends it back to that member,
// where it is then adopted as it is. It reads the member and writes the control
// plane only, the policy before the template, so that what was interrupted can
// be run again.
package promotion
