// No bug is planted in this build.

//go:build !plant_ack_before_sync && !plant_skip_term_check

package commitlog

const (
	ackBeforeSync = false // acknowledge what is not on the disk yet
	skipTermCheck = false // take whatever is committed at an index for one's own entry
)
