// Package thirdparty interprets the kinds of other projects that Karmada knows:
// Argo, Flink, Flux, Kruise, Kubeflow, Kyverno, Ray, Spark, Volcano and more. The
// knowledge is Karmada's, as Lua customizations that its module carries as data; its
// tests of them are run by ours. Nobody can change them at run time: a
// customization or a webhook of the same kind goes before them.
package thirdparty
