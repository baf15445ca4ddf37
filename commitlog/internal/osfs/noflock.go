// Systems without flock.

//go:build unix && !(darwin || dragonfly || freebsd || illumos || linux || netbsd || openbsd)

package osfs

import "errors"

func lock(uintptr) error   { return errors.ErrUnsupported }
func unlock(uintptr) error { return nil }
