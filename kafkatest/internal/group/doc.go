// What the package is for, and how its parts go together.

// Package group is the group coordinator of a whole cluster as a pure state
// machine: classic groups, consumer groups (KIP-848), and the offsets that
// both commit.
//
// A [Coordinator] holds every group. A group has a body, which is what its
// members speak: a classic one, in which the clients agree among themselves
// and the broker passes their words on, or a consumer one, in which the broker
// assigns. Its offsets are of the group, not of the body, so they survive when
// the one becomes the other.
//
// Which broker coordinates a group, which topics there are and what is
// configured is asked of a [Cluster]. Deadlines are on the agenda. Nothing here
// is safe for use by several goroutines at once.
//
// What a group of another kind (share, streams) would need is a body of its
// own; none is here.
package group
