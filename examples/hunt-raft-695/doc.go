// What the hunt is for.

// Package hunt looks for three bugs of hashicorp/raft v1.8.0 with faults drawn
// from a seed, and finds them within seconds: README.md tells the story.
package hunt
