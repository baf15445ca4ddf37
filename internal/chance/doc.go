// The package's documentation.

// Package chance is keyed randomness: every draw is a function of a seed, of
// names and of counts. There is no generator to share, so that what is drawn in
// one place never moves what is drawn in another.
//
//	key := chance.Name(seed, "app>api:80#0")
//	d := chance.Keyed(key, 7) // the seventh transmission of that name
//	lost := d.Hits(chance.Loss, 0.1)
package chance
