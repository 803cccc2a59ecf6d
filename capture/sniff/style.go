package sniff

// Style says how packets are printed. The zero Style is tcpdump's default
// without any flag; the letters are tcpdump's.
type Style struct {
	Time     TimeStyle // -t to -ttttt
	Nano     bool      // nine digits after the second
	Numbers  bool      // -#: a packet number first
	Link     bool      // -e: the link-layer header too
	Numeric  bool      // -n: no names for addresses and ports
	Verbose  int       // -v, -vv, -vvv
	Quiet    bool      // -q: less about protocols
	Absolute bool      // -S: sequence numbers as they are
	ASCII    bool      // -A: the packet as text
	Hex      int       // -x is 1, -xx is 2: with the link-layer header
	HexASCII int       // -X and -XX
	Secrets  bool      // credentials in HTTP heads are printed
}

// TimeStyle says how a packet's time is printed.
type TimeStyle uint8

// The time styles, in the order of tcpdump's t flags.
const (
	TimeOfDay  TimeStyle = iota // 22:13:20.123456
	TimeNone                    // -t
	TimeUnix                    // -tt: seconds since 1970
	TimeDelta                   // -ttt: since the packet before
	TimeDate                    // -tttt: with the date
	TimeOffset                  // -ttttt: since the first packet
)
