// Refusals found by a write, where a socket cannot be looked into.

//go:build !unix

package loopback

// peek does nothing: only reads tell a refusal.
func (p *packetConn) peek() {}
