// What this module is for.

// Package log holds benchmarks of the replicated log beside other logs, on one
// disk and on three nodes, all in one run. It has nothing to import; README.md
// says how to run it and what was measured.
package log
