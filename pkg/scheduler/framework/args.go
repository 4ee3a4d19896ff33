package framework

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"

	kjson "sigs.k8s.io/json"
)

// DecodeArgs reads a plugin's arguments into into, a pointer to a struct that holds
// the defaults: what args do not name stays as it is. Fields that the struct does
// not have, and fields given twice, are refused.
func DecodeArgs(args json.RawMessage, into any) error {
	if empty(args) {
		return nil
	}
	strict, err := kjson.UnmarshalStrict(args, into)
	if err != nil {
		return fmt.Errorf("cannot be decoded: %w", err)
	}
	return errors.Join(strict...)
}

// NoArgs refuses arguments, for a plugin that takes none.
func NoArgs(args json.RawMessage) error {
	if empty(args) {
		return nil
	}
	if err := DecodeArgs(args, &struct{}{}); err != nil {
		return fmt.Errorf("the plugin takes no arguments: %w", err)
	}
	return nil
}

func empty(args json.RawMessage) bool {
	args = bytes.TrimSpace(args)
	return len(args) == 0 || bytes.Equal(args, []byte("null"))
}
