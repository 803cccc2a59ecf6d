package trace

// Tee returns a Sink that hands each event to all of sinks, in order. Nil ones
// are left out; of none it makes nil, which costs a client nothing.
func Tee(sinks ...Sink) Sink {
	var all tee
	for _, s := range sinks {
		switch s := s.(type) {
		case nil:
		case tee:
			all = append(all, s...)
		default:
			all = append(all, s)
		}
	}
	switch len(all) {
	case 0:
		return nil
	case 1:
		return all[0]
	}
	return all
}

type tee []Sink

// WantsFields reports whether any of them does; see FieldSink.
func (t tee) WantsFields() bool {
	for _, s := range t {
		if f, ok := s.(FieldSink); !ok || f.WantsFields() {
			return true
		}
	}
	return false
}

// Record hands e on.
func (t tee) Record(e Event) {
	for _, s := range t {
		s.Record(e)
	}
}
