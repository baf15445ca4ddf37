// What the tests see of the inside.

package again

// NamedIn is Named with the pattern given.
var NamedIn = named

// Kept tells which arguments a child inherits.
var Kept = kept

// OwnFlags are the flags of a package's own that were given.
var OwnFlags = ownFlags
