// What this module is for.

// Package bench holds benchmarks of the virtual network beside loopback TCP and
// other networks in memory, all in one run. It has nothing to import; README.md
// says how to run it and what was measured.
package bench
