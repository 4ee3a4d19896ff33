package nativekinds

import apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"

// column is a column of kubectl get: a name and a JSONPath, as in a CRD.
type column = apiextensionsv1.CustomResourceColumnDefinition

func text(name, path string) column   { return column{Name: name, Type: "string", JSONPath: path} }
func number(name, path string) column { return column{Name: name, Type: "integer", JSONPath: path} }
func age(name string) column {
	return column{Name: name, Type: "date", JSONPath: ".metadata.creationTimestamp"}
}

// conditionStatus is a column with the status of a condition.
func conditionStatus(name, condition string) column {
	return text(name, `.status.conditions[?(@.type=="`+condition+`")].status`)
}
