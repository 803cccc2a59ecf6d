package zstd_test

import (
	"bytes"
	"fmt"
	"io"

	"sonde/zstd"
)

// A client has it by Config.Codings; here it is used by itself.
func ExampleCoding() {
	var out bytes.Buffer
	w, err := zstd.Coding{Level: 5}.NewWriter(&out)
	if err != nil {
		fmt.Println(err)
		return
	}
	io.WriteString(w, "hello")
	w.Close()
	r, err := zstd.Coding{}.NewReader(&out)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer r.Close()
	text, err := io.ReadAll(r)
	fmt.Printf("%s %v\n", text, err)
	// Output: hello <nil>
}
