package strictjson

import (
	"errors"
	"fmt"
	"reflect"

	kjson "sigs.k8s.io/json"
)

// Unmarshal decodes data over what into points to. Of a refusal the struct may have
// been written in part.
func Unmarshal(data []byte, into any) error {
	strict, err := kjson.UnmarshalStrict(data, into)
	if err != nil {
		return fmt.Errorf("cannot be decoded: %w", err)
	}
	if len(strict) == 0 {
		return nil
	}
	t := reflect.TypeOf(into).Elem()
	for i := range strict {
		strict[i] = withKnownFields(strict[i], t)
	}
	return fmt.Errorf("is refused: %w", errors.Join(strict...))
}
