// Sets of bytes that tokens are made of.

package redact

// A class is a set of bytes.
type class [256]bool

var (
	lowerHex  = classOf("0123456789abcdef")
	alnum     = classOf(lower + upper + decimal)
	base32    = classOf(upper + "234567")
	base64    = classOf(lower + upper + decimal + "+/=")
	base64url = classOf(lower + upper + decimal + "-_")
	dotted    = classOf(lower + upper + decimal + "-_.")
	upperNum  = classOf(upper + decimal)
	authority = classExcept("/?#\"'`<>\\ \t\r\n")
	token68   = classOf(lower + upper + decimal + "-._~+/=") // RFC 7235, section 2.1
)

const (
	lower   = "abcdefghijklmnopqrstuvwxyz"
	upper   = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	decimal = "0123456789"
)

func classOf(members string) *class {
	var c class
	for i := range len(members) {
		c[members[i]] = true
	}
	return &c
}

func classExcept(others string) *class {
	c := classOf(others)
	for i := range c {
		c[i] = !c[i]
	}
	return c
}

// count returns how many bytes at the beginning of b are of c.
func count(b []byte, c *class) int {
	for i, x := range b {
		if !c[x] {
			return i
		}
	}
	return len(b)
}

// mixed tells whether letters and digits both occur, which sets most tokens
// apart from most words.
func mixed(b []byte) bool {
	letter, digit := false, false
	for _, c := range b {
		digit = digit || c >= '0' && c <= '9'
		letter = letter || c|0x20 >= 'a' && c|0x20 <= 'z'
	}
	return letter && digit
}
