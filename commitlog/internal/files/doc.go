// What the package is for.

// Package files keeps what a few files hold, and reads them again when they
// have changed. There is no goroutine and no timer: whoever asks has a look at
// the files, at most once a second.
package files
