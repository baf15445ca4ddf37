// What a Command must know to run a node: its files, its ports, its peers.

package clustertest

import (
	"os"

	"github.com/rehearse-go/rehearse/clustertest/internal/loopback"
)

// A NodeInfo is what Config.Command is given, to make the command of one life
// of a node: any program, in any language.
//
// What the program prints becomes the node's log, events "node.log", a line
// each, unless the command has a Stdout or Stderr of its own. File 3 of the
// process takes events, a line of JSON each, up to 1 MiB long:
//
//	{"Event": {"Kind": "app.ready", "Subject": "9000", "Notes": [{"Key": "term", "Value": "7"}]}}
//
// They are the node's, whoever they say they are of, and events "node.start"
// and the like are not theirs to tell. What is no event goes into the log, with
// words that say so. Everything that a life has said is in the journal before
// its "node.exit"; until then it comes a little after it was said, and what is
// said in two places, in either order: await it.
//
// A node is the process and all that it starts, unless that leaves its process
// group. Stop sends SIGTERM to the process alone, so a shell had better exec
// the program; Pause and Kill befall all of it. When the process ends, what it
// leaves behind is killed. When the test ends, however it ends, a kill -9 of
// the test binary included, all of it is killed: a shell (sh) waits beside each
// process for that. Its standard input stays open and empty, unless the command
// has one, and a race that a Go program's detector prints fails the test.
type NodeInfo struct {
	Name  string
	Index int
	Life  int      // counts the node's lives, from 0
	Nodes []string // the names of all
	Seed  uint64
	Dir   string // the node's own directory, which outlives its lives

	host  *loopback.Host
	files []*os.File
	err   error
}

// Inherit opens a listener for a port of the node, which the process inherits:
// fd is its number there, from 4 in the order of asking; the command's own
// ExtraFiles follow. Address is what it really listens on. It stays open across
// lives.
func (n *NodeInfo) Inherit(port int) (fd int, address string) {
	address, file, err := n.host.Reserve(port)
	if err != nil {
		n.fail(err)
		return -1, ""
	}
	n.files = append(n.files, file)
	return reportsFile + len(n.files), address
}

// Bind returns a real address that the process can listen on for a port of
// the node, the same in each of its lives. Nobody else is given it meanwhile.
// The program must set SO_REUSEADDR before it binds, as Go's do. On Linux and
// macOS; elsewhere the node does not start.
func (n *NodeInfo) Bind(port int) (address string) {
	address, err := n.host.Bind(port)
	n.fail(err)
	return address
}

// Peer returns a real address by which this node, and nobody else, reaches
// another's port, "n1:9000", as long as the links let it.
func (n *NodeInfo) Peer(address string) string {
	real, err := n.host.Forward(address)
	n.fail(err)
	return real
}

// fail notes what went wrong first; the node does not start then.
func (n *NodeInfo) fail(err error) {
	if n.err == nil {
		n.err = err
	}
}
