// Command fasthttp prints what a URL gives.
package main

import (
	"fmt"
	"os"

	"github.com/valyala/fasthttp"
)

func main() {
	_, body, err := fasthttp.Get(nil, os.Args[1])
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	os.Stdout.Write(body)
}
