#include "textflag.h"

// What vectors are made of: for each low half of a byte the high halves with which
// it is a tchar, one bit each (RFC 9110, section 5.6.2); the bit of each high half,
// none from 8 on; the last control byte; DEL; the mask of a half.
DATA scanTable<>+0(SB)/8, $0xfcfcfcfcfcf8fce8
DATA scanTable<>+8(SB)/8, $0x70f454d054f4f8f8
DATA scanTable<>+16(SB)/8, $0x8040201008040201
DATA scanTable<>+24(SB)/8, $0x0000000000000000
DATA scanTable<>+32(SB)/8, $0x00000000000f7f1f
GLOBL scanTable<>(SB), RODATA|NOPTR, $40

// func classifyAVX2(text *byte, blocks int, m *masks)
TEXT ·classifyAVX2(SB), NOSPLIT, $0-24
	MOVQ text+0(FP), SI
	MOVQ blocks+8(FP), CX
	MOVQ m+16(FP), DI
	LEAQ scanTable<>(SB), DX
	VBROADCASTI128 (DX), Y8
	VBROADCASTI128 16(DX), Y9
	VPBROADCASTB 32(DX), Y10
	VPBROADCASTB 33(DX), Y11
	VPBROADCASTB 34(DX), Y12
	VPXOR Y13, Y13, Y13

block:
	VMOVDQU (SI), Y0
	VMOVDQU 32(SI), Y1

	// ends: at most 0x1f, or DEL
	VPMINUB Y10, Y0, Y2
	VPMINUB Y10, Y1, Y3
	VPCMPEQB Y0, Y2, Y2
	VPCMPEQB Y1, Y3, Y3
	VPCMPEQB Y0, Y11, Y4
	VPCMPEQB Y1, Y11, Y5
	VPOR Y4, Y2, Y2
	VPOR Y5, Y3, Y3
	VPMOVMSKB Y2, AX
	VPMOVMSKB Y3, BX
	SHLQ $32, BX
	ORQ BX, AX
	MOVQ AX, (DI)

	// stops: the bit of the high half is not among those of the low one. VPSHUFB
	// gives 0 for bytes from 0x80 on.
	VPSHUFB Y0, Y8, Y2
	VPSHUFB Y1, Y8, Y3
	VPSRLW $4, Y0, Y4
	VPSRLW $4, Y1, Y5
	VPAND Y12, Y4, Y4
	VPAND Y12, Y5, Y5
	VPSHUFB Y4, Y9, Y4
	VPSHUFB Y5, Y9, Y5
	VPAND Y4, Y2, Y2
	VPAND Y5, Y3, Y3
	VPCMPEQB Y13, Y2, Y2
	VPCMPEQB Y13, Y3, Y3
	VPMOVMSKB Y2, AX
	VPMOVMSKB Y3, BX
	SHLQ $32, BX
	ORQ BX, AX
	MOVQ AX, 32(DI)

	ADDQ $64, SI
	ADDQ $8, DI
	DECQ CX
	JNZ block
	VZEROUPPER
	RET

// func asksAVX2() bool
TEXT ·asksAVX2(SB), NOSPLIT, $0-1
	MOVB $0, ret+0(FP)
	XORL AX, AX // the last leaf there is
	CPUID
	CMPL AX, $7
	JLT no

	MOVL $1, AX // OSXSAVE and AVX
	XORL CX, CX
	CPUID
	ANDL $(1<<27 | 1<<28), CX
	CMPL CX, $(1<<27 | 1<<28)
	JNE no

	XORL CX, CX // the system keeps XMM and YMM
	XGETBV
	ANDL $6, AX
	CMPL AX, $6
	JNE no

	MOVL $7, AX // AVX2
	XORL CX, CX
	CPUID
	SHRL $5, BX
	ANDL $1, BX
	MOVB BX, ret+0(FP)

no:
	RET
