// Command sonde prints what a URL gives.
package main

import (
	"context"
	"fmt"
	"os"

	"sonde"
)

func main() {
	resp, err := sonde.Get(context.Background(), os.Args[1])
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	os.Stdout.Write(resp.Body)
}
