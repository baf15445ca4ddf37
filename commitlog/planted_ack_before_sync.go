// A planted bug: acknowledgements do not wait for the disk.

//go:build plant_ack_before_sync

package commitlog

const planted = "ack_before_sync"
