package capture

// FanoutMode says how the kernel shares packets among the sockets of a group.
type FanoutMode uint16

// The ways to share, with the kernel's numbers.
const (
	FanoutHash     FanoutMode = 0 // by flow: both directions of a connection go to one source
	FanoutBalance  FanoutMode = 1 // round robin
	FanoutCPU      FanoutMode = 2 // by the CPU that received the packet
	FanoutRollover FanoutMode = 3 // the first, and the next one when its ring is full
	FanoutRandom   FanoutMode = 4 // by chance
	FanoutQueue    FanoutMode = 5 // by the card's receive queue
)
