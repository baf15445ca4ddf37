// The root of the module: no code, only what holds the rooms together.

// Package rehearse puts the whole network of a program into its test: one
// process, virtual time, one seed, played again exactly.
//
// The package itself is empty. Its rooms are the packages beneath it, such as
// journal (what happened), rule (who decides what happens next), vnet (the
// network) and vnettest (a test on that network). Its tests hold the rooms to
// their plan: who may import whom, how a file looks, what is exported.
package rehearse
