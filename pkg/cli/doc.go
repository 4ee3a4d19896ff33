// Package cli holds the commands of atoll, the user's command line. Each command
// reads flags and files, calls one package of ours or kubectl's own command, and
// prints: data on stdout, progress and guidance on stderr, one sentence and a
// non-zero exit code on failure. It keeps no state. Everything that a command
// does can be done through the API as well.
package cli
