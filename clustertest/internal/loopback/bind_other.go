// Ports that are kept free for a program, where they cannot be.

//go:build !linux && !darwin

package loopback

import (
	"errors"
	"fmt"
)

func bindHere() (address string, release closer, err error) {
	return "", nil, fmt.Errorf("a port cannot be kept here: %w", errors.ErrUnsupported)
}
