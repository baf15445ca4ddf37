// Keyed chance: every draw a function of seed, link, connection and count.

package vnet

import "github.com/rehearse-go/rehearse/internal/chance"

// key returns what the chances of the named direction begin from.
func (n *Network) key(direction string) uint64 { return chance.Name(n.cfg.Seed, direction) }

// draw returns the chances of the count-th transmission of the named direction.
func (n *Network) draw(direction string, count uint64) chance.Draws {
	return chance.Keyed(n.key(direction), count)
}
