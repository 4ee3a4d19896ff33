// Package simulate supposes what clusters and templates would be like if. It turns one
// snapshot into another and never touches the store that the first came from, so
// nothing that it supposes is seen by real decisions.
package simulate
