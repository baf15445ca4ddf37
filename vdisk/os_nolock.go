// Systems without flock.

//go:build unix && !(darwin || dragonfly || freebsd || illumos || linux || netbsd || openbsd)

package vdisk

import "errors"

func lockFile(uintptr) error { return errors.ErrUnsupported }
