// Package lua runs the Lua scripts of ResourceInterpreterCustomizations as
// interpret.Hooks. A script is parsed once, metered (whatever can make memory grow
// asks the meter first) and compiled; each call runs it in a pooled VM with fresh
// globals, so that nothing is left for the next one. Values go in as they are in
// an object and come out the same: integers, lists and maps keep being what they
// were. A script sees the basic functions, string, table, math, os.time, os.date and
// Karmada's kube library, and no more time and memory than Limits give.
package lua
