// Reading the whole form.

package spool

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"io"

	"github.com/rehearse-go/rehearse/grpcreplay/internal/tape"
)

// gzipRatio is more than what gzip can compress: of 1032 bytes it leaves one.
const gzipRatio = 1100

// Read reads the whole form. The tape keeps b, or what b holds compressed. An
// error is a tape.FormatError with an offset in the file, as it is when it is
// not compressed.
func Read(b []byte, limits tape.Limits) (*tape.Tape, error) {
	limits = limits.Or()
	if err := checkSize(uint64(len(b)), limits); err != nil {
		return nil, err
	}
	if f, _ := Sniff(b); f != Whole {
		return nil, faultAt(0, "it is no binary recording: it does not begin with %q", MagicWhole)
	}
	if len(b) < wholeHeader {
		return nil, cutAt(len(b))
	}
	if err := checkVersion(b, Whole); err != nil {
		return nil, err
	}
	body, err := inflated(b, limits)
	if err != nil {
		return nil, err
	}
	fields := len(body) - wholeTrailer
	if fields < 0 {
		return nil, cutAt(len(b))
	}
	crc := crc32.Update(sum(b[:wholeHeader]), castagnoli, body[:len(body)-4])
	if crc != binary.LittleEndian.Uint32(body[len(body)-4:]) {
		return nil, faultAt(0, "its checksum is wrong: it was damaged after it was written; take it from a backup "+
			"or record again")
	}
	p := parts{lengthsAt: wholeHeader, count: binary.LittleEndian.Uint64(body[fields:])}
	if err := p.parse(body[:fields]); err != nil {
		return nil, err
	}
	return p.tape(limits)
}

// inflated returns the body of a file, as it is when not compressed.
func inflated(b []byte, limits tape.Limits) ([]byte, error) {
	size, body := binary.LittleEndian.Uint64(b[magicLen+8:]), b[wholeHeader:]
	switch how := binary.LittleEndian.Uint32(b[magicLen+4:]); how {
	case compressNone:
		return body, checkLength(uint64(len(body)), size, len(b))
	case compressGzip:
		if err := checkSize(size, limits); err != nil {
			return nil, err
		}
		if size/gzipRatio > uint64(len(body)) {
			return nil, cutAt(len(b))
		}
		return gunzip(body, int(size))
	default:
		return nil, faultAt(int64(magicLen)+4, "it is compressed in a way %d, which this program does not know: "+
			"take a newer one", how)
	}
}

func checkLength(has, wants uint64, end int) error {
	switch {
	case has < wants:
		return cutAt(end)
	case has > wants:
		return faultAt(int64(end), "%d bytes follow its end: it was damaged after it was written; "+
			"take it from a backup or record again", has-wants)
	}
	return nil
}

// gunzip returns the size bytes that b holds compressed.
func gunzip(b []byte, size int) ([]byte, error) {
	in := bytes.NewReader(b)
	body := make([]byte, size)
	n, err := inflate(in, body)
	if errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) {
		return nil, cutAt(wholeHeader + n)
	}
	if err != nil {
		return nil, faultAt(int64(wholeHeader+n), "it does not decompress (%v): it was damaged after it was written; "+
			"take it from a backup or record again", err)
	}
	return body, checkLength(uint64(in.Len()), 0, wholeHeader+n)
}

// inflate fills body from one member of gzip that holds no more. It returns
// how many bytes it got.
func inflate(in *bytes.Reader, body []byte) (int, error) {
	zr, err := gzip.NewReader(in)
	if err != nil {
		return 0, err
	}
	zr.Multistream(false)
	n, err := io.ReadFull(zr, body)
	if err != nil {
		return n, err
	}
	var more [1]byte
	switch _, err := io.ReadFull(zr, more[:]); {
	case err == nil:
		return n, errors.New("it holds more than it says")
	case err != io.EOF:
		return n, err
	}
	return n, nil
}

// cutAt is the error for a file that ends too early.
func cutAt(offset int) error {
	return faultAt(int64(offset), "it ends before it is complete: it was cut off; take it from a backup "+
		"or record again")
}
