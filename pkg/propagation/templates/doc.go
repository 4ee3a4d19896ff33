// Package templates watches every object of the control plane that may be
// propagated. What kinds there are comes from discovery and is looked up again
// whenever a CustomResourceDefinition or an APIService changes; each kind has one
// informer. Users and controllers of the control plane write the objects, this
// package only reads them and tells its listeners what changed.
package templates
