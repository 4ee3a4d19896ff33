// Package customization knows the rules of a ResourceInterpreterCustomization:
// the field that holds each script, the Lua function that the script defines and
// the interpreter operation that it serves, in the order of Karmada's tools. It
// parses scripts for admission and for the interpreter, and runs none.
package customization
