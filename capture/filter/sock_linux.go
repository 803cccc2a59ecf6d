package filter

import "golang.org/x/sys/unix"

// SockFilters returns the program as the kernel takes it, for SO_ATTACH_FILTER
// with a struct sock_fprog. Use Attachable to ask whether it takes it.
func (p *Program) SockFilters() []unix.SockFilter {
	out := make([]unix.SockFilter, len(p.insns))
	for i, ins := range p.insns {
		out[i] = unix.SockFilter{Code: ins.Op, Jt: ins.Jt, Jf: ins.Jf, K: ins.K}
	}
	return out
}
