// The names of status codes, and the nearest word to a wrong one.

package text

import (
	"strconv"
	"strings"
)

// codeNames are the names of the codes from 0, as grpc-go's package codes
// writes them; grpc/grpc doc/statuscodes.md defines the codes.
var codeNames = []string{
	"OK", "Canceled", "Unknown", "InvalidArgument", "DeadlineExceeded", "NotFound", "AlreadyExists",
	"PermissionDenied", "ResourceExhausted", "FailedPrecondition", "Aborted", "OutOfRange", "Unimplemented",
	"Internal", "Unavailable", "DataLoss", "Unauthenticated",
}

// codeName returns how a code is written.
func codeName(code uint32) string {
	if code < uint32(len(codeNames)) {
		return codeNames[code]
	}
	return wordCode + " " + strconv.FormatUint(uint64(code), 10)
}

// codeOf returns the code of a name, also as NOT_FOUND or not_found.
func codeOf(name string) (uint32, bool) {
	plain := strings.ReplaceAll(name, "_", "")
	if strings.EqualFold(plain, "cancelled") {
		return 1, true
	}
	for code, known := range codeNames {
		if strings.EqualFold(plain, known) {
			return uint32(code), true
		}
	}
	return 0, false
}

// nearest returns the word of known that word was perhaps meant to be, as an
// end of a sentence, or "".
func nearest(word string, known ...string) string {
	best, least := "", len(word)/3+2
	for _, k := range known {
		if d := distance(strings.ToLower(word), strings.ToLower(k), least); d < least {
			best, least = k, d
		}
	}
	if best == "" {
		return ""
	}
	return "; did you mean " + strconv.Quote(best) + "?"
}

// distance counts the letters to add, drop or change to make b of a. Of words
// whose lengths differ by most or more it knows no more than that.
func distance(a, b string, most int) int {
	if len(a)-len(b) >= most || len(b)-len(a) >= most {
		return most
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			change := diagonal
			if a[i] != b[j] {
				change++
			}
			diagonal = row[j+1]
			row[j+1] = min(change, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
