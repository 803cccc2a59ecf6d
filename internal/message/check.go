package message

// CheckMethod says what is wrong with a method.
func CheckMethod(method string) error { panic("soon") }

// CheckField says what is wrong with a field.
func CheckField(name, value string) error { panic("soon") }

// CheckTarget says what is wrong with a request target.
func CheckTarget(target string) error { panic("soon") }

// CheckTrailer says whether a field may be sent in a trailer section.
func CheckTrailer(name string) error { panic("soon") }
