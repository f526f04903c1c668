package origin_test

import (
	"errors"
	"fmt"

	"github.com/gokith/kith/origin"
)

func Example() {
	actor, _ := origin.Of("https://Bücher.example:443/users/ana")
	key, _ := origin.Of("https://xn--bcher-kva.example/users/ana#main-key")
	fmt.Println(actor == key, actor)

	_, err := origin.Of("https://good.example@evil.example/users/ana")
	var refused *origin.Error
	fmt.Println(errors.As(err, &refused), refused.Code)
	// Output:
	// true https://xn--bcher-kva.example
	// true origin.userinfo
}

func ExampleSame() {
	fmt.Println(origin.Same("https://a.example/notes/1", "https://a.example./users/ana"))
	fmt.Println(origin.Same("https://a.example/notes/1", "http://a.example/notes/1"))
	// Output:
	// true
	// false
}
