// Locks where there is flock.

//go:build darwin || dragonfly || freebsd || illumos || linux || netbsd || openbsd

package vdisk

import "syscall"

func lockFile(fd uintptr) error { return syscall.Flock(int(fd), syscall.LOCK_EX|syscall.LOCK_NB) }
