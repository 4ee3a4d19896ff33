package framework

import (
	"bytes"
	"encoding/json"
	"errors"

	"atoll.dev/atoll/pkg/strictjson"
)

// DecodeArgs reads the arguments of a plugin into a struct that holds their
// defaults: what args do not name stays as it is. Fields that the struct does not
// have, and fields given twice, are refused; the error reads well after the path
// of the arguments in the configuration, which whoever called the Factory adds.
func DecodeArgs[T any](args json.RawMessage, into *T) error {
	if none(args) {
		return nil
	}
	return strictjson.Unmarshal(args, into)
}

// NoArgs refuses arguments, for a plugin that takes none.
func NoArgs(args json.RawMessage) error {
	if none(args) {
		return nil
	}
	return errors.New("the plugin takes no arguments: leave them out")
}

func none(args json.RawMessage) bool {
	args = bytes.TrimSpace(args)
	return len(args) == 0 || bytes.Equal(args, []byte("null"))
}
