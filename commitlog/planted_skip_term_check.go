// A planted bug, to show that the sweep finds it: the term of a committed entry is not compared.

//go:build plant_skip_term_check && !plant_ack_before_sync

package commitlog

const (
	ackBeforeSync = false
	skipTermCheck = true
)
