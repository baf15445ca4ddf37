// What the package is for.

// Package storage hunts in libraries that keep data on files: each is given a
// disk that forgets what was not synced, is looked at in every state that a
// crash could leave, and asked for what it had acknowledged. README.md tells
// what was found.
package storage
