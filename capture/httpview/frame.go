package httpview

import (
	"strconv"

	"sonde/capture/decode"
	"sonde/capture/flow"
)

// FrameType is the kind of an HTTP/2 frame (RFC 9113, section 6).
type FrameType uint8

// The kinds.
const (
	FrameData FrameType = iota
	FrameHeaders
	FramePriority
	FrameRSTStream
	FrameSettings
	FramePushPromise
	FramePing
	FrameGoAway
	FrameWindowUpdate
	FrameContinuation
)

var frameNames = [...]string{
	"DATA", "HEADERS", "PRIORITY", "RST_STREAM", "SETTINGS", "PUSH_PROMISE", "PING", "GOAWAY",
	"WINDOW_UPDATE", "CONTINUATION",
}

// String returns the kind's name, or its number.
func (t FrameType) String() string {
	switch {
	case int(t) < len(frameNames):
		return frameNames[t]
	case t == 0x10:
		return "PRIORITY_UPDATE"
	}
	return "frame type " + strconv.Itoa(int(t))
}

// The flags that are read.
const (
	flagEndStream  = 0x1
	flagAck        = 0x1
	flagEndHeaders = 0x4
	flagPadded     = 0x8
	flagPriority   = 0x20
)

// Frame is one HTTP/2 frame.
type Frame struct {
	Conn   int
	Dir    flow.Dir
	At     int64 // when its last byte came
	Type   FrameType
	Flags  uint8
	Stream uint32
	Length int // of the payload
	// Fields is the field section that the frame ends, pseudo-header fields included.
	Fields []Field
	// Detail says what is in the frames of other kinds: settings, error codes.
	Detail string
}

// EndStream reports whether the frame is the last one of its stream in this
// direction.
func (f *Frame) EndStream() bool {
	return f.Flags&flagEndStream != 0 && (f.Type == FrameData || f.Type == FrameHeaders)
}

// AppendText appends the frame as one line, without a line feed: who sends it,
// stream, type, length, and what is known of its contents, escaped.
func (f *Frame) AppendText(dst []byte) []byte {
	dst = append(dst, f.Dir.String()...)
	dst = append(dst, " stream "...)
	dst = strconv.AppendUint(dst, uint64(f.Stream), 10)
	dst = append(dst, ' ')
	dst = append(dst, f.Type.String()...)
	dst = append(dst, " length "...)
	dst = strconv.AppendInt(dst, int64(f.Length), 10)
	if f.EndStream() {
		dst = append(dst, " end"...)
	}
	if f.Flags&flagAck != 0 && (f.Type == FrameSettings || f.Type == FramePing) {
		dst = append(dst, " ack"...)
	}
	if f.Detail != "" {
		dst = append(dst, ' ')
		dst = decode.AppendEscaped(dst, f.Detail)
	}
	for i, h := range f.Fields {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(dst, ' ')
		dst = decode.AppendEscaped(dst, h.Name)
		dst = append(dst, ": "...)
		dst = decode.AppendEscaped(dst, h.Value)
	}
	return dst
}

var errorCodes = [...]string{
	"NO_ERROR", "PROTOCOL_ERROR", "INTERNAL_ERROR", "FLOW_CONTROL_ERROR", "SETTINGS_TIMEOUT",
	"STREAM_CLOSED", "FRAME_SIZE_ERROR", "REFUSED_STREAM", "CANCEL", "COMPRESSION_ERROR",
	"CONNECT_ERROR", "ENHANCE_YOUR_CALM", "INADEQUATE_SECURITY", "HTTP_1_1_REQUIRED",
}

func errorCode(code uint32) string {
	if int64(code) < int64(len(errorCodes)) {
		return errorCodes[code]
	}
	return "error 0x" + strconv.FormatUint(uint64(code), 16)
}

var settingNames = [...]string{
	"", "HEADER_TABLE_SIZE", "ENABLE_PUSH", "MAX_CONCURRENT_STREAMS", "INITIAL_WINDOW_SIZE",
	"MAX_FRAME_SIZE", "MAX_HEADER_LIST_SIZE", "", "ENABLE_CONNECT_PROTOCOL", "NO_RFC7540_PRIORITIES",
}

func settingName(id uint16) string {
	if int(id) < len(settingNames) && settingNames[id] != "" {
		return settingNames[id]
	}
	return "0x" + strconv.FormatUint(uint64(id), 16)
}
