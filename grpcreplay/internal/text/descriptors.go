// The block of descriptors: compressed, in base64, at the file's end.

package text

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
)

// writeDescriptors writes the block. The same descriptors make the same text:
// gzip is given no time and no name.
func writeDescriptors(w io.Writer, schema []byte) error {
	var packed bytes.Buffer
	z, err := gzip.NewWriterLevel(&packed, gzip.BestCompression)
	if err != nil {
		return err
	}
	if _, err := z.Write(schema); err != nil {
		return err
	}
	if err := z.Close(); err != nil {
		return err
	}
	block := appendBase64Lines([]byte("\n"+wordDescriptors), packed.Bytes(), "  ")
	_, err = w.Write(append(block, '\n'))
	return err
}

// unpackDescriptors undoes what writeDescriptors did, up to a limit of bytes.
func unpackDescriptors(packed []byte, most int64) ([]byte, error) {
	z, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return nil, err
	}
	schema, err := io.ReadAll(io.LimitReader(z, most+1))
	if err != nil {
		return nil, err
	}
	if int64(len(schema)) > most {
		return nil, fmt.Errorf("unpacked they are longer than %d bytes, the limit", most)
	}
	return schema, nil
}
