//go:build !linux

package socket

func (c *Conn) pending(err error) error { return err }
