// What a Command must know to run a node: its files, its ports, its peers.

package clustertest

import (
	"os"

	"github.com/rehearse-go/rehearse/clustertest/internal/loopback"
)

// A NodeInfo is what Config.Command is given, to make the command of one life
// of a node: any program, in any language. File 3 of the process takes events:
// a line of JSON each, {"Event": {"Kind": "app.ready"}}.
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
// fd is its number there, address what it really listens on. It stays open
// across lives.
func (n *NodeInfo) Inherit(port int) (fd int, address string) {
	address, file, err := n.host.Reserve(port)
	if err != nil {
		n.err = err
		return -1, ""
	}
	n.files = append(n.files, file)
	return reportsFile + len(n.files), address
}

// Bind returns a real address that the process can listen on for a port of
// the node. Nobody else is given it meanwhile.
func (n *NodeInfo) Bind(port int) (address string) {
	address, err := n.host.Bind(port)
	if err != nil {
		n.err = err
	}
	return address
}

// Peer returns a real address by which this node, and nobody else, reaches
// another's port, "n1:9000", as long as the links let it.
func (n *NodeInfo) Peer(address string) string {
	real, err := n.host.Forward(address)
	if err != nil {
		n.err = err
	}
	return real
}
