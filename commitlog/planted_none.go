// No bug is planted in this build.

//go:build !(plant_ack_before_sync || plant_skip_term_check || plant_alone || plant_forget_past)

package commitlog

const planted = ""
