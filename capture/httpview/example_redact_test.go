package httpview_test

import (
	"fmt"

	"sonde/capture/httpview"
)

func ExampleRedactField() {
	fmt.Println(httpview.RedactField("Authorization", "Bearer abc"))
	fmt.Println(httpview.RedactField("Cookie", "id=5; theme=dark"))
	fmt.Println(httpview.RedactField("Accept", "*/*"))
	// Output:
	// Bearer [redacted]
	// id=[redacted]; theme=[redacted]
	// */*
}
