package nativekinds

import (
	"slices"

	"k8s.io/apimachinery/pkg/runtime"
)

// withoutProtobuf are codecs that do not offer protobuf, which Karmada's types do not implement.
// Clients that prefer it and also take JSON, such as those of the namespace controller and the
// garbage collector, get JSON, as they do for custom resources.
type withoutProtobuf struct {
	runtime.NegotiatedSerializer
}

func (c withoutProtobuf) SupportedMediaTypes() []runtime.SerializerInfo {
	return slices.DeleteFunc(slices.Clone(c.NegotiatedSerializer.SupportedMediaTypes()), func(info runtime.SerializerInfo) bool {
		return info.MediaType == runtime.ContentTypeProtobuf
	})
}
