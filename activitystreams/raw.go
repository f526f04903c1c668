package activitystreams

import "github.com/go-json-experiment/json/jsontext"

// Raw is a JSON value as text. This file alone decides where the type comes from: the module
// go-json-experiment hands out the standard library's own encoding/json/jsontext on a Go release
// that has it, so values pass between the two without conversion.
type Raw = jsontext.Value
