// The package's documentation.

// Package clustertest runs n copies of any Go program as a cluster and lets a
// test break it: crash, stop, pause and restart nodes, part and heal their
// network, lose what was not synced, slow a disk or a clock. Nothing in it
// sleeps: [Cluster.Await] looks whenever something has happened.
//
// A program is built from an [Env], which is all it may know of the world: how
// to listen and dial, where its files are, what time it is, where its log
// goes. One test body then runs in three modes ([Mode]):
//
//   - [Bubble]: goroutines in a testing/synctest bubble, on a virtual network
//     (package vnet) and virtual disks (package vdisk). Time is virtual: an hour
//     takes milliseconds, and the seed decides every chance.
//   - [Loopback]: goroutines of this process on real sockets in real time, with
//     virtual disks.
//   - [Processes]: one real process for each node on real sockets and real
//     files; a crash is SIGKILL. A node's process is the test binary itself, run
//     again, or what [Config].Command says.
//
// # What each mode can do
//
// A fault that a mode cannot do fails the test; it never passes silently.
//
//	what                                    Bubble  Loopback  Processes
//	start, stop, restart, add, remove       yes     yes       yes
//	Kill: connections reset, files stay     yes     yes       SIGKILL
//	Crash: as Kill, unsynced writes lost    yes     yes       SIGKILL; the page cache survives
//	PowerOff: as Crash, and nobody is told  yes     yes       no
//	Pause                                   yes (1) yes (1)   SIGSTOP
//	part, cut, isolate, ring, heal          yes     yes       yes
//	link: latency, jitter, bandwidth, loss  yes     yes       yes
//	link: duplicate, reorder, corrupt (2)   yes     yes       yes
//	reset connections, slow readers         yes     yes       yes
//	full backlogs                           yes     no        no
//	Clock                                   yes (3) yes (3)   yes (3)
//	faults of disks                         yes (4) yes (4)   no
//	datagrams                               yes     yes       yes (5)
//	Disk, Program                           yes     yes       no
//	Settle, Network                         yes     no        no
//
// To the numbers:
//
//  1. The network and the disk of the node stand still; its goroutines and
//     timers go on.
//  2. Of datagrams; a stream never loses its order.
//  3. It reaches programs that take their ticks from [Env]. Elsewhere it
//     fails; give such a program longer timeouts instead.
//  4. Of what the program does through [Env.FS]. Files in [Env.Dir] are real
//     ones, which survive everything.
//  5. Of nodes that are the test binary; not through a Command's addresses.
package clustertest
