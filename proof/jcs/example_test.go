package jcs_test

import (
	"errors"
	"fmt"

	"github.com/gokith/kith/proof/jcs"
)

func ExampleCanonicalize() {
	out, err := jcs.Canonicalize([]byte(`{"b": 1e2, "a": ["\u00e9", 0.10]}`))
	fmt.Println(string(out), err)

	_, err = jcs.Canonicalize([]byte(`{"n": 9007199254740993}`))
	var refused *jcs.Error
	fmt.Println(errors.As(err, &refused), refused.Code, refused.Pointer)
	// Output:
	// {"a":["é",0.1],"b":100} <nil>
	// true jcs.number /n
}
