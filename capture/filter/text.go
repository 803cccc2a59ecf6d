package filter

func (e *And) String() string       { return "" }
func (e *Or) String() string        { return "" }
func (e *Not) String() string       { return "" }
func (e *Address) String() string   { return "" }
func (e *Protocol) String() string  { return "" }
func (e *Relation) String() string  { return "" }
func (e *Special) String() string   { return "" }
func (e *number) String() string    { return "" }
func (e *load) String() string      { return "" }
func (e *length) String() string    { return "" }
func (e *negation) String() string  { return "" }
func (e *operation) String() string { return "" }
func (e *And) Explain() string      { return "" }
func (e *Or) Explain() string       { return "" }
func (e *Not) Explain() string      { return "" }
func (e *Address) Explain() string  { return "" }
func (e *Protocol) Explain() string { return "" }
func (e *Relation) Explain() string { return "" }
func (e *Special) Explain() string  { return "" }
