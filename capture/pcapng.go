package capture

// The pcapng format (draft-ietf-opsawg-pcapng): blocks of a type, a length, a
// body padded to four bytes and the length once more.

// Block types.
const (
	blockSection    = 0x0a0d0d0a
	blockInterface  = 1
	blockOldPacket  = 2
	blockSimple     = 3
	blockStatistics = 5
	blockEnhanced   = 6
	blockSecrets    = 0x0a
)

const byteOrderMagic = 0x1a2b3c4d

// Options of all blocks, then of each.
const (
	optEnd     = 0
	optComment = 1

	shbHardware = 2
	shbOS       = 3
	shbProgram  = 4

	ifName        = 2
	ifDescription = 3
	ifMAC         = 6
	ifSpeed       = 8
	ifResolution  = 9
	ifFilter      = 11
	ifOS          = 12
	ifOffset      = 14
	ifHardware    = 15

	epbFlags   = 2
	epbProcess = 8

	isbStart    = 2
	isbEnd      = 3
	isbReceived = 4
	isbAccepted = 6
	isbDropped  = 7
	isbUser     = 8
)

// secretsTLS marks a secrets block that holds an NSS key log.
const secretsTLS = 0x544c534b

// pad4 returns n rounded up to a multiple of four.
func pad4(n int) int { return (n + 3) &^ 3 }
