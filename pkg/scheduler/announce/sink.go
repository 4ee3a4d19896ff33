package announce

import (
	"fmt"
	"net/http"

	"k8s.io/apimachinery/pkg/runtime"
	typedcorev1 "k8s.io/client-go/kubernetes/typed/core/v1"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/record"
)

// NewSink returns a sink that writes to the API server as protobuf, over the given client's connections.
func NewSink(config *rest.Config, client *http.Client) (record.EventSink, error) {
	config = rest.CopyConfig(config)
	config.ContentType, config.AcceptContentTypes = runtime.ContentTypeProtobuf, runtime.ContentTypeProtobuf+","+runtime.ContentTypeJSON
	core, err := typedcorev1.NewForConfigAndClient(config, client)
	if err != nil {
		return nil, fmt.Errorf("creating the client that writes events: %w", err)
	}
	return &typedcorev1.EventSinkImpl{Interface: core.Events("")}, nil
}
