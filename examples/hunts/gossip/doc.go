// What the package is for.

// Package gossip is a hunt in hashicorp/serf and hashicorp/memberlist, which
// are used as they come. A [Member] is all the program there is: it joins the
// others, says what it hears, and leaves when it is told to end.
//
// The tests beside it let five of them suffer what the seed draws, and ask
// afterwards whether everybody knows everybody again. What they found is told
// in README.md. A [Peer] is memberlist without serf.
package gossip
