// The versions of a persona, for who has no cluster.

package state

// Caps returns the function that tells which of the versions lowest to highest
// of an API a version of Kafka serves. It fails as New does.
func Caps(version string) (caps func(key, lowest, highest int16) (int16, int16, bool), err error) {
	p, err := personaOf(version)
	return p.cap, err
}
