// A planted bug: a restart forgets what producers have written.

//go:build plant_forget_past

package commitlog

const planted = "forget_past"
