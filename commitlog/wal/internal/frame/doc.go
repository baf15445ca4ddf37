// What the package is for.

// Package frame is the form of what lies in a segment: frames one behind the
// other, each chained to the one before it.
//
// A frame is a header of 56 bytes, data, and padding to a multiple of 8. Its
// header is seven words of 8 bytes, little-endian:
//
//	0  link: CRC32C of the rest of the header, begun with the link before it
//	   self: CRC32C of words 1 to 6, begun with the segment's salt
//	1  kind, type, mask, a byte that is 0, length of the data
//	2  number of records, CRC32C of the data as stored
//	3  index
//	4  term
//	5  base offset
//	6  durable mark: up to where the segment was synced when this was built
//
// The link makes a frame valid in one place only, behind one history; self
// tells a frame when that history is damaged. Words 1 to 6 are stored XORed
// with a constant, and data that would leave a sector blank is stored masked:
// so no frame has a blank sector, one flipped bit never makes one, and a blank
// sector in a frame says that it was never wholly written.
package frame
