package httpview

// Kept is what a view counts as kept.
func Kept(v *View) int { return v.kept }
