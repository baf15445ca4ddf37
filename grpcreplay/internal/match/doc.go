// What the package decides, and how.

// Package match finds the recorded call that answers a live one.
//
// An [Index] is made of a tape and shared by any number of replays. A [Deck]
// is one replay: it knows which calls are used up. A [Talk] is one live call.
// The caller tells it what the client does, and asks it what the server does
// next.
package match
