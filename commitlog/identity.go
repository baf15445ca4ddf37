// Whose directory it is.

package commitlog

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"strings"
	"time"

	"github.com/rehearse-go/rehearse/commitlog/wal"
)

// An identity says whose a directory is. The ID is new for each directory: a
// node that has lost its disk must not vote as if it remembered.
type identity struct {
	cluster string // "" until the node has met its cluster
	node    string
	id      uint64
}

func (i identity) String() string {
	cluster := i.cluster
	if cluster == "" {
		cluster = "(none yet)"
	}
	return fmt.Sprintf("cluster %s, node %s", cluster, i.node)
}

const (
	identityFile = "IDENTITY"
	identityNew  = "IDENTITY.new"
	formatLine   = "rehearse commit log, format 1"
)

// newIdentity makes an identity for an empty directory.
func newIdentity(name, addr string, now time.Time, found bool) identity {
	sum := sha256.Sum256(fmt.Appendf(nil, "%q %q %d", name, addr, now.UnixNano()))
	i := identity{node: name, id: binary.BigEndian.Uint64(sum[:8]) >> 1} // high IDs are Raft's own
	i.id |= 1                                                            // and 0 is nobody
	if found {
		i.cluster = clusterOf(i.id)
	}
	return i
}

// clusterOf names the cluster that the node of that ID founds: so a founder
// knows itself, also if it ended before its first entry was stored.
func clusterOf(id uint64) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "cluster %d", id))
	return hex.EncodeToString(sum[:8])
}

// loadIdentity reads the directory's identity; an empty one has none.
func loadIdentity(dir wal.FS) (i identity, err error) {
	f, err := dir.OpenFile(identityFile, os.O_RDONLY, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return i, nil
	}
	if err != nil {
		return i, fmt.Errorf("commitlog: %w", err)
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, 4096))
	if err != nil {
		return i, fmt.Errorf("commitlog: %w", err)
	}
	return parseIdentity(b)
}

func parseIdentity(b []byte) (i identity, err error) {
	lines := strings.Split(string(b), "\n")
	if len(lines) != 5 || lines[4] != "" {
		return i, fmt.Errorf("commitlog: the file %s has %d lines instead of 4: the directory is damaged, "+
			"or not a commit log's", identityFile, len(lines)-1)
	}
	if lines[0] != formatLine {
		return i, fmt.Errorf("commitlog: the file %s says %q; this program reads %q",
			identityFile, lines[0], formatLine)
	}
	if _, err = fmt.Sscanf(lines[3], "id %d", &i.id); err != nil || i.id == 0 || i.id > math.MaxInt64 {
		return i, fmt.Errorf("commitlog: the file %s has %q where an id should be", identityFile, lines[3])
	}
	var ok, ok2 bool
	i.cluster, ok = strings.CutPrefix(lines[1], "cluster ")
	i.node, ok2 = strings.CutPrefix(lines[2], "node ")
	if !ok || !ok2 || i.node == "" {
		return i, fmt.Errorf("commitlog: the file %s does not name a cluster and a node", identityFile)
	}
	return i, nil
}

// store writes the identity, so that it is there whole or not at all.
func (i identity) store(dir wal.FS) (err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("commitlog: writing the node's identity: %w", err)
		}
	}()
	f, err := dir.OpenFile(identityNew, os.O_RDWR|os.O_CREATE|os.O_TRUNC, 0o644)
	if err != nil {
		return err
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s\ncluster %s\nnode %s\nid %d\n", formatLine, i.cluster, i.node, i.id)
	_, err = f.Write(b.Bytes())
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	if err := dir.Rename(identityNew, identityFile); err != nil {
		return err
	}
	return dir.SyncDir(".")
}
