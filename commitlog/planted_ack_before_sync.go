// A planted bug, to show that the sweep finds it: acknowledgements do not wait for the disk.

//go:build plant_ack_before_sync

package commitlog

const (
	ackBeforeSync = true
	skipTermCheck = false
)
