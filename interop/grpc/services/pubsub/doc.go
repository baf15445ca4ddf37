// The package of Pub/Sub: what it is for.

// Package pubsub holds the tests with Google Pub/Sub's client and its
// stand-in pstest.
package pubsub
