// Package dispatch brings the manifests of Works into members. Each member has a
// queue and workers of its own, so that a dead or slow one delays nobody else.
// What is applied is owned in the member under one field manager; fields that
// others own there stay theirs. A manifest whose object already is as it should
// be is not sent. Data flows from Work to member; the verdict on each Work goes
// to whoever listens (the reflector), which writes it into the Work's status.
package dispatch
