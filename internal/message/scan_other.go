//go:build !amd64

package message

func classify(text *byte, blocks int, m *masks) { classifyAny(text, blocks, m) }
