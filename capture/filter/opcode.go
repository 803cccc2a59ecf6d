package filter

// Classic BPF operation codes, as in Linux's uapi/linux/bpf_common.h. They
// are spelled out here so that the compiler needs no system headers and runs
// the same on every platform.
const (
	classLD   = 0x00
	classLDX  = 0x01
	classST   = 0x02
	classSTX  = 0x03
	classALU  = 0x04
	classJMP  = 0x05
	classRET  = 0x06
	classMISC = 0x07

	sizeW = 0x00
	sizeH = 0x08
	sizeB = 0x10

	modeIMM = 0x00
	modeABS = 0x20
	modeIND = 0x40
	modeMEM = 0x60
	modeLEN = 0x80
	modeMSH = 0xa0

	aluADD = 0x00
	aluSUB = 0x10
	aluMUL = 0x20
	aluDIV = 0x30
	aluOR  = 0x40
	aluAND = 0x50
	aluLSH = 0x60
	aluRSH = 0x70
	aluNEG = 0x80
	aluMOD = 0x90
	aluXOR = 0xa0

	jmpJA   = 0x00
	jmpJEQ  = 0x10
	jmpJGT  = 0x20
	jmpJGE  = 0x30
	jmpJSET = 0x40

	srcK = 0x00
	srcX = 0x08

	retK = 0x00
	retA = 0x10

	miscTAX = 0x00
	miscTXA = 0x80
)

// Whole instructions that the generator, the optimizer and the machine name
// again and again.
const (
	opLdImm  = classLD | modeIMM
	opLdLen  = classLD | modeLEN
	opLdMem  = classLD | modeMEM
	opLdxImm = classLDX | modeIMM
	opLdxMem = classLDX | modeMEM
	opLdxMsh = classLDX | modeMSH | sizeB
	opSt     = classST
	opStx    = classSTX
	opJa     = classJMP | jmpJA
	opJeqK   = classJMP | jmpJEQ | srcK
	opJeqX   = classJMP | jmpJEQ | srcX
	opJgtK   = classJMP | jmpJGT | srcK
	opJgeK   = classJMP | jmpJGE | srcK
	opJsetK  = classJMP | jmpJSET | srcK
	opRetK   = classRET | retK
	opTax    = classMISC | miscTAX
	opTxa    = classMISC | miscTXA
	opAddK   = classALU | aluADD | srcK
	opAddX   = classALU | aluADD | srcX
	opSubK   = classALU | aluSUB | srcK
	opSubX   = classALU | aluSUB | srcX
	opMulK   = classALU | aluMUL | srcK
	opAndK   = classALU | aluAND | srcK
	opOrK    = classALU | aluOR | srcK
	opLshK   = classALU | aluLSH | srcK
	opNeg    = classALU | aluNEG
)

func opClass(code int) int { return code & 0x07 }
func opSize(code int) int  { return code & 0x18 }
func opMode(code int) int  { return code & 0xe0 }
func opALU(code int) int   { return code & 0xf0 }
func opSrc(code int) int   { return code & 0x08 }
func opRet(code int) int   { return code & 0x18 }
func opMisc(code int) int  { return code & 0xf8 }

// memWords is the number of scratch memory cells of the machine.
const memWords = 16

// Offsets in the kernel's window of ancillary data (SKF_AD_OFF = -0x1000):
// what Linux knows about a packet that is not in its bytes.
const (
	adBase           = 0xfffff000
	adPktType        = adBase + 4
	adIfIndex        = adBase + 8
	adVLANTag        = adBase + 44
	adVLANTagPresent = adBase + 48
)

// packetOutgoing is PACKET_OUTGOING, the packet type of what this machine
// sends; Linux's cooked headers carry the same number.
const packetOutgoing = 4
