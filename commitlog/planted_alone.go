// A planted bug: a leader reads without asking whether it still is one.

//go:build plant_alone

package commitlog

const planted = "alone"
