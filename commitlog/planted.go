// Bugs that can be planted, to show that the sweeps of commitlogtest find them.

package commitlog

// Each is compiled in by a build tag, plant_ack_before_sync and so on, one at a
// time; without one they are constants that are false.
const (
	ackBeforeSync = planted == "ack_before_sync" // acknowledge what is not on the disk yet
	skipTermCheck = planted == "skip_term_check" // take whatever is committed at an index for one's own entry
	readAlone     = planted == "alone"           // a leader reads without asking whether it still is one
	forgetPast    = planted == "forget_past"     // know nothing of who produced before the last start
)
