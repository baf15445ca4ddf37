// The codecs: framings, bombs, and what other writers write.

package batch_test

import (
	"bytes"
	"encoding/hex"
	"runtime"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/klauspost/compress/snappy"
	"github.com/klauspost/compress/zstd"
	"github.com/rehearse-go/rehearse/kafkatest/internal/batch"
)

func TestCodecsAreNamedAsTheSettingsNameThem(t *testing.T) {
	for _, c := range codecs {
		if got, ok := batch.ParseCodec(c.String()); !ok || got != c {
			t.Errorf("%v reads back as %v, %v", c, got, ok)
		}
	}
	if c, ok := batch.ParseCodec("producer"); !ok || c != batch.Producer {
		t.Errorf("producer is %v, %v", c, ok)
	}
	if c, ok := batch.ParseCodec("uncompressed"); !ok || c != batch.None {
		t.Errorf("uncompressed is %v, %v", c, ok)
	}
	if _, ok := batch.ParseCodec("brotli"); ok {
		t.Error("brotli is a codec")
	}
	if batch.Codec(5).Known() || batch.Producer.Known() {
		t.Error("codecs that are none are known")
	}
}

func TestNothingIsCompressedToo(t *testing.T) {
	for _, c := range codecs {
		got, err := c.Decompress(c.Compress(nil, nil))
		if err != nil || len(got) != 0 {
			t.Errorf("%v: %q, %v", c, got, err)
		}
	}
}

func TestSnappyIsReadInBothFramings(t *testing.T) {
	plain := bytes.Repeat([]byte("many words "), 9000) // several blocks of the framing
	for name, packed := range map[string][]byte{
		"block":  snappy.Encode(nil, plain),
		"xerial": batch.Snappy.Compress(nil, plain),
	} {
		if got, err := batch.Snappy.Decompress(packed); err != nil || !bytes.Equal(got, plain) {
			t.Errorf("%s: %d bytes, %v", name, len(got), err)
		}
	}
	if !bytes.HasPrefix(batch.Snappy.Compress(nil, plain), []byte("\x82SNAPPY\x00\x00\x00\x00\x01\x00\x00\x00\x01")) {
		t.Error("snappy-java would not read it")
	}
}

func TestBombsAreRefused(t *testing.T) {
	small := bytes.Repeat([]byte{0}, 24<<20)
	for _, c := range codecs[1:] {
		bomb := c.Compress(nil, small)
		if c == batch.Snappy {
			bomb = append([]byte{0x80, 0x80, 0x80, 0x80, 0x08}, bomb...) // claims 2 GiB
		}
		if len(small) <= batch.Bound(len(bomb)) {
			continue // this codec cannot make one of that size
		}
		if got, err := c.Decompress(bomb); err == nil {
			t.Errorf("%v: %d bytes became %d", c, len(bomb), len(got))
		}
	}
}

// Decoders that are kept have channels in them, which belong to the bubble they
// were made in.
func TestCodecsWorkInOneBubbleAfterTheOther(t *testing.T) {
	for range 3 {
		synctest.Test(t, func(t *testing.T) {
			var all sync.WaitGroup
			for i := range 4 * len(codecs) {
				all.Go(func() {
					c := codecs[i%len(codecs)]
					got, err := c.Decompress(c.Compress(nil, []byte("words")))
					if err != nil || string(got) != "words" {
						t.Errorf("%v: %q, %v", c, got, err)
					}
				})
			}
			all.Wait()
		})
	}
}

func TestAFrameThatLiesAboutItsSizeTakesNoMemory(t *testing.T) {
	enc, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	frame := enc.EncodeAll(make([]byte, 1<<20), nil)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	if _, err := batch.Zstd.Decompress(frame[:len(frame)-1]); err == nil {
		t.Error("a frame cut short is read")
	}
	runtime.ReadMemStats(&after)
	if allocated := after.TotalAlloc - before.TotalAlloc; allocated > 16<<20 {
		t.Errorf("a frame cut short takes %d bytes", allocated)
	}
}

// The frame is "hello" as LZ4 with the header checksum that clients of
// message format 0 write, over the magic as well.
func TestTheWrongHeaderChecksumOfOldLZ4IsRead(t *testing.T) {
	right := batch.LZ4.Compress(nil, []byte("hello"))
	wrong := bytes.Clone(right)
	wrong[6] = 0x1a
	if got, err := batch.LZ4.Decompress(right); err != nil || string(got) != "hello" {
		t.Fatalf("%q, %v", got, err)
	}
	if _, err := batch.LZ4.Decompress(wrong); err == nil {
		t.Error("any checksum will do")
	}
	// KAFKA-3160: of a header 04224d18 6040 the checksum is 82, and the wrong one 1a.
	old, _ := hex.DecodeString("04224d1860401a0500008068656c6c6f00000000")
	if got, err := batch.LZ4.Decompress(old); err != nil || string(got) != "hello" {
		t.Errorf("old frame: %q, %v", got, err)
	}
}

func FuzzDecompress(f *testing.F) {
	for _, c := range codecs {
		f.Add(int8(c), c.Compress(nil, []byte("some words, some words")))
	}
	f.Fuzz(func(t *testing.T, codec int8, src []byte) {
		got, err := batch.Codec(codec).Decompress(src)
		if err == nil && len(got) > batch.Bound(len(src)) {
			t.Errorf("%d bytes became %d", len(src), len(got))
		}
	})
}
