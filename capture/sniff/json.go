package sniff

import (
	"strconv"
	"time"

	"sonde/capture"
	"sonde/capture/decode"
)

// AppendJSON appends a packet as one JSON object and a line feed. docs/sniff.md
// describes the fields; one that does not apply is left out.
func (w *Printer) AppendJSON(dst []byte, p *capture.Packet) []byte {
	d := &w.d
	d.Decode(p.Link, p.Data)
	w.n++
	dst = strconv.AppendUint(append(dst, `{"n":`...), w.n, 10)
	dst = p.Timestamp().AppendFormat(append(dst, `,"time":"`...), time.RFC3339Nano)
	dst = append(dst, '"')
	if p.IfIndex != 0 {
		dst = jsonText(dst, "interface", w.names.interfaceName(p.IfIndex))
	}
	if p.Direction != capture.DirectionUnknown {
		dst = jsonText(dst, "direction", p.Direction.String())
	}
	dst = jsonText(dst, "link", p.Link.String())
	dst = jsonNumber(dst, "length", p.Length)
	dst = jsonNumber(dst, "captured", len(p.Data))
	dst = w.jsonLayers(dst, d)
	if p.Process.PID != 0 {
		dst = jsonNumber(dst, "pid", int(p.Process.PID))
	}
	if p.Process.Name != "" {
		dst = jsonText(dst, "process", p.Process.Name)
	}
	if p.Comment != "" {
		dst = jsonText(dst, "comment", p.Comment)
	}
	return append(dst, '}', '\n')
}

// jsonLayers adds what the headers say.
func (w *Printer) jsonLayers(dst []byte, d *decode.Packet) []byte {
	if d.Has&decode.LayerEthernet != 0 {
		dst = jsonText(dst, "mac_source", d.Ethernet.Src.String())
		dst = jsonText(dst, "mac_destination", d.Ethernet.Dst.String())
	}
	if tags := d.VLANs.Tags(); d.Has&decode.LayerVLAN != 0 && len(tags) > 0 {
		dst = jsonNumber(dst, "vlan", tags[0].ID())
	}
	if d.Has&(decode.LayerIPv4|decode.LayerIPv6) != 0 {
		dst = jsonText(dst, "source", d.SourceIP().String())
		dst = jsonText(dst, "destination", d.DestinationIP().String())
		dst = jsonText(dst, "protocol", d.Proto.String())
	} else if d.EtherType != 0 {
		dst = jsonText(dst, "protocol", d.EtherType.String())
	}
	if d.Has&(decode.LayerTCP|decode.LayerUDP) != 0 {
		from, to := d.Ports()
		dst = jsonNumber(dst, "source_port", int(from))
		dst = jsonNumber(dst, "destination_port", int(to))
	}
	if d.Has&decode.LayerTCP != 0 {
		dst = jsonText(dst, "flags", d.TCP.Flags.String())
		dst = jsonNumber(dst, "seq", int(d.TCP.Seq))
		dst = jsonNumber(dst, "ack", int(d.TCP.Ack))
		dst = jsonNumber(dst, "window", int(d.TCP.Window))
	}
	dst = jsonNumber(dst, "payload", d.Length)
	if d.Fault != decode.FaultNone {
		dst = jsonText(dst, "fault", d.Fault.String())
	}
	return dst
}

func jsonText(dst []byte, name, value string) []byte {
	dst = append(append(append(dst, ',', '"'), name...), '"', ':')
	return decode.AppendJSON(dst, value)
}

func jsonNumber(dst []byte, name string, value int) []byte {
	dst = append(append(append(dst, ',', '"'), name...), '"', ':')
	return strconv.AppendInt(dst, int64(value), 10)
}
