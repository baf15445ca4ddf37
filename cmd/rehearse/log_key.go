// Files that are read whole, and the gossip key in one.

package main

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
)

// mostRead bounds files of keys and settings: who names a device or a log by
// mistake is told.
const mostRead = 1 << 20

// readBounded reads a file whole.
func readBounded(name string) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, plainError(err)
	}
	defer f.Close()
	if info, err := f.Stat(); err == nil && info.IsDir() {
		return nil, fmt.Errorf("%s: it is a directory; name a file", name)
	}
	text, err := io.ReadAll(io.LimitReader(f, mostRead+1))
	switch {
	case err != nil:
		return nil, plainError(err)
	case len(text) > mostRead:
		return nil, fmt.Errorf("%s: it has more than %d bytes, so it is not what it is taken for", name, mostRead)
	}
	return text, nil
}

// readGossipKey reads a key in base64 or hex.
func readGossipKey(name string) ([]byte, error) {
	text, err := readBounded(name)
	if err != nil {
		return nil, err
	}
	key, err := parseGossipKey(strings.TrimSpace(string(text)))
	if err != nil {
		return nil, fmt.Errorf("%s: %w; rehearse log certs --gossip-key makes one", name, err)
	}
	return key, nil
}

// parseGossipKey reads a key. 32, 48 or 64 digits are hex: as base64 they
// would be possible, and are not to be expected.
func parseGossipKey(text string) ([]byte, error) {
	if key, err := hex.DecodeString(text); err == nil && isKeyLength(len(key)) {
		return key, nil
	}
	key, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		key, err = base64.URLEncoding.DecodeString(text)
	}
	switch {
	case err != nil:
		return nil, errors.New("it holds no key in base64 or hex")
	case !isKeyLength(len(key)):
		return nil, fmt.Errorf("it holds %d bytes; want 16, 24 or 32, in base64 or hex", len(key))
	}
	return key, nil
}

// isKeyLength holds for the lengths of AES's keys.
func isKeyLength(n int) bool { return n == 16 || n == 24 || n == 32 }

// makeGossipKey writes a new key to a file that is this user's alone. A key
// that is there is kept, if it is one.
func makeGossipKey(name string) (made bool, err error) {
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		_, err := readGossipKey(name)
		return false, err
	}
	if err != nil {
		return false, plainError(err)
	}
	var key [32]byte
	_, _ = rand.Read(key[:]) // never fails
	_, err = fmt.Fprintln(f, base64.StdEncoding.EncodeToString(key[:]))
	if err = errors.Join(err, f.Close()); err != nil {
		return false, errors.Join(plainError(err), os.Remove(name))
	}
	return true, nil
}
