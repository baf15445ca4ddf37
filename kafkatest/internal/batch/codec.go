// The codecs, and the bound on what they may inflate.

package batch

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"
)

// A Codec compresses records. Its number is that of the attributes.
type Codec int8

// The codecs there are.
const (
	None Codec = iota
	Gzip
	Snappy
	LZ4
	Zstd
)

// Producer stands for the codec that the producer chose, in a topic's
// compression.type.
const Producer Codec = -1

var codecNames = []string{"none", "gzip", "snappy", "lz4", "zstd"}

// String names the codec as the settings do.
func (c Codec) String() string {
	if c.Known() {
		return codecNames[c]
	}
	return fmt.Sprintf("codec %d", int8(c))
}

// Known reports whether there is such a codec.
func (c Codec) Known() bool { return c >= None && c <= Zstd }

// ParseCodec reads a value of compression.type: "producer", "uncompressed",
// or a codec's name.
func ParseCodec(s string) (Codec, bool) {
	switch s {
	case "producer":
		return Producer, true
	case "uncompressed":
		return None, true
	}
	for i, name := range codecNames {
		if name == s {
			return Codec(i), true
		}
	}
	return None, false
}

var (
	errBomb    = errors.New("batch: compressed records grow beyond all bounds")
	errUnknown = errors.New("batch: unknown codec")
)

// Bound returns how many bytes n compressed ones may become. Real records of
// one letter compress a thousandfold, so the ratio alone condemns nothing; a
// batch of a megabyte may grow to 80 MiB. None may grow beyond 128 MiB: records
// in memory take some more, and what several clients send is held at once.
func Bound(n int) int { return min(16<<20+64*n, max(128<<20, n)) }

// Decompress returns what src was before it was compressed, in memory of its
// own. It refuses what grows beyond Bound.
func (c Codec) Decompress(src []byte) ([]byte, error) {
	switch c {
	case None:
		return bytes.Clone(src), nil
	case Gzip:
		return gunzip(src)
	case Snappy:
		return unsnap(src, Bound(len(src)))
	case LZ4:
		return unlz4(src)
	case Zstd:
		return unzstd(src)
	}
	return nil, errUnknown
}

// Compress appends src, compressed, to dst. The codec must be known.
func (c Codec) Compress(dst, src []byte) []byte {
	switch c {
	case None:
		return append(dst, src...)
	case Gzip:
		return zip(dst, src)
	case Snappy:
		return snap(dst, src)
	case LZ4:
		return appendLZ4(dst, src)
	case Zstd:
		return appendZstd(dst, src)
	}
	panic("batch: unknown codec")
}

// drain reads r to its end, as far as Bound allows for n compressed bytes.
func drain(r io.Reader, n int) ([]byte, error) {
	bound := Bound(n)
	var out bytes.Buffer
	out.Grow(min(4*n+512, bound))
	switch _, err := out.ReadFrom(io.LimitReader(r, int64(bound)+1)); {
	case err != nil:
		return nil, err
	case out.Len() > bound:
		return nil, errBomb
	}
	return out.Bytes(), nil
}

var gzipReaders = sync.Pool{New: func() any { return new(gzip.Reader) }}

func gunzip(src []byte) ([]byte, error) {
	r := gzipReaders.Get().(*gzip.Reader)
	defer gzipReaders.Put(r)
	if err := r.Reset(bytes.NewReader(src)); err != nil {
		return nil, err
	}
	return drain(r, len(src))
}

// A sink appends what is written to it. It never fails.
type sink []byte

func (s *sink) Write(p []byte) (int, error) {
	*s = append(*s, p...)
	return len(p), nil
}

var gzipWriters = sync.Pool{New: func() any { return gzip.NewWriter(nil) }}

func zip(dst, src []byte) []byte {
	w := gzipWriters.Get().(*gzip.Writer)
	defer gzipWriters.Put(w)
	w.Reset((*sink)(&dst))
	_, _ = w.Write(src)
	_ = w.Close()
	return dst
}

var lz4Readers = sync.Pool{New: func() any { return lz4.NewReader(nil) }}

func unlz4(src []byte) ([]byte, error) {
	r := lz4Readers.Get().(*lz4.Reader)
	defer lz4Readers.Put(r)
	r.Reset(bytes.NewReader(mendFrame(src)))
	return drain(r, len(src))
}

var lz4Writers = sync.Pool{New: newLZ4}

// newLZ4 returns a writer of small blocks, as the Java clients write.
func newLZ4() any {
	w := lz4.NewWriter(nil)
	if err := w.Apply(lz4.BlockSizeOption(lz4.Block64Kb)); err != nil {
		panic("batch: " + err.Error())
	}
	return w
}

func appendLZ4(dst, src []byte) []byte {
	w := lz4Writers.Get().(*lz4.Writer)
	defer lz4Writers.Put(w)
	w.Reset((*sink)(&dst))
	_, _ = w.Write(src)
	_ = w.Close()
	return dst
}

// zstdStock holds decoders made before any test began. A decoder has channels
// in it, and a channel that was made in a testing/synctest bubble may not be
// used in another, so those made later are used once.
var zstdStock = struct {
	sync.Mutex
	free []*zstd.Decoder
}{free: []*zstd.Decoder{newZstd(), newZstd()}}

func newZstd() *zstd.Decoder {
	d, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(64<<20))
	if err != nil {
		panic("batch: " + err.Error())
	}
	return d
}

// takeZstd returns a decoder, and whether it belongs to the stock.
func takeZstd() (d *zstd.Decoder, stocked bool) {
	zstdStock.Lock()
	defer zstdStock.Unlock()
	last := len(zstdStock.free) - 1
	if last < 0 {
		return newZstd(), false
	}
	d = zstdStock.free[last]
	zstdStock.free = zstdStock.free[:last]
	return d, true
}

func returnZstd(d *zstd.Decoder) {
	_ = d.Reset(nil)
	zstdStock.Lock()
	defer zstdStock.Unlock()
	zstdStock.free = append(zstdStock.free, d)
}

func unzstd(src []byte) ([]byte, error) {
	d, stocked := takeZstd()
	if stocked {
		defer returnZstd(d)
	} else {
		defer d.Close()
	}
	// A plain reader, so that the decoder does not read all at once and
	// believe the size that the frame claims.
	if err := d.Reset(struct{ io.Reader }{bytes.NewReader(src)}); err != nil {
		return nil, err
	}
	return drain(d, len(src))
}

// appendZstd makes an encoder each time: it too has channels, and the broker
// compresses seldom.
func appendZstd(dst, src []byte) []byte {
	w, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1), zstd.WithEncoderLevel(zstd.SpeedFastest),
		zstd.WithZeroFrames(true))
	if err != nil {
		panic("batch: " + err.Error())
	}
	return w.EncodeAll(src, dst)
}
