// Keyed chance: every draw a function of seed, connection and count.

package loopback

import "github.com/rehearse-go/rehearse/internal/chance"

// key returns what the chances of the named direction begin from.
func (n *Network) key(direction string) uint64 { return chance.Name(n.cfg.Seed, direction) }
