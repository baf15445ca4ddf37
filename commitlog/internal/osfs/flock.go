// Locks where there is flock.

//go:build darwin || dragonfly || freebsd || illumos || linux || netbsd || openbsd

package osfs

import "syscall"

func lock(fd uintptr) error   { return syscall.Flock(int(fd), syscall.LOCK_EX|syscall.LOCK_NB) }
func unlock(fd uintptr) error { return syscall.Flock(int(fd), syscall.LOCK_UN) }
