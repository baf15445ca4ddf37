// What the package is for, and how faults are written.

// Package faults is a cluster's nemesis as plain data: what goes wrong, when
// and for how long. A list of faults is drawn from a seed or written by hand;
// it can be printed, read again, be the name of a subtest, and be made
// smaller. Nothing here does anything: applying a fault is its reader's work.
//
// # The text of a fault
//
// A [Fault] is written as "2.1s+5s part n0": it begins 2.1 s after the nemesis
// did, lasts 5 s, and is what the rest says. Without "+5s" it lasts until the
// nemesis ends. What may be said, where a host is one name or several, "n0,n1":
//
//	crash n1           its program is cut off and what it had not synced is lost
//	kill n1            likewise, and all that it wrote is kept
//	poweroff n1        as crash, and its peers are not told
//	stop n1            its program is asked to end
//	pause n1           its program stands still
//	clock n1 0.2       its clock runs at that rate
//	restart n1         it is stopped and started again, at once
//
//	part n0,n1 n2      these do not reach those, nor those these
//	part n0            likewise, and everybody else, clients included
//	cut n0 n1,n2       n0 does not reach those; they reach n0
//	ring n0,n1,n2,n3   each reaches only its two neighbours among them
//	link n0 n1 loss=1  the link from n0 to n1 is set so, as vnet.LinkConfig writes it
//	slow n0 1024       each of its connections reads so many bytes a second
//	full n0:80         this listener takes no connection beyond those it has
//	reset n0           every connection of n0 is reset
//	reset n0 n1        every connection between the two
//	reset n0>n1:80#0   the connection of that name
//
//	disk n1 WORDS      its disk fails so: "sync eio", "slow 20ms", as package vdisk has it
//
// The end of crash, kill, poweroff and stop is that the node is started again.
// A reset and a restart are over at once: they last no time. The words of part,
// cut, link, slow, full and of a connection's reset are package vnet's.
//
// A [List] is its faults joined by "; ". [ToName] writes one that is fit to be
// the name of a subtest: "2.1s+5s_part_n0;7s+1s_crash_n1".
//
// # What may overlap
//
// Faults of a network and of disks overlap freely. A node suffers one of
// crash, kill, poweroff, stop, pause, clock and restart at a time: its program
// must run for each of them, and a clock is lost with the program. [Conflicts]
// tells where a list breaks this. Taking faults out of a list, or making them
// shorter, never adds a conflict.
//
// # Names of hosts
//
// A host's name is printable and holds no space and none of , : > # | and ;.
// An underscore is best left out: in the name of a subtest it stands for a
// space, and the underscore itself becomes "%5F".
package faults
