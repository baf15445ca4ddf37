// Queries with and without sense, and what they are answered.

package dns_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"github.com/rehearse-go/rehearse/vnet/internal/dns"
)

// query encodes a question, and what else a test puts behind it.
func query(id, flags uint16, name string, t dns.Type, class uint16, rest ...byte) []byte {
	b := binary.BigEndian.AppendUint16(nil, id)
	b = binary.BigEndian.AppendUint16(b, flags)
	b = append(b, 0, 1, 0, 0, 0, 0, 0, 0)
	if name == "" {
		b = append(b, 0)
	} else {
		b = append(b, dns.Name(name)...)
	}
	b = binary.BigEndian.AppendUint16(b, uint16(t))
	b = binary.BigEndian.AppendUint16(b, class)
	return append(b, rest...)
}

// counted sets the numbers of a message's questions and other records.
func counted(msg []byte, counts ...byte) []byte {
	for i, c := range counts {
		msg[5+2*i] = c
	}
	return msg
}

var opt = []byte{0, 0, 41, 4, 208, 0, 0, 0, 0, 0, 0}

// zone knows api, and answers for it what is asked for.
func zone(q dns.Question) ([]dns.Record, dns.Code) {
	if q.Name != "api" {
		return nil, dns.NameError
	}
	return []dns.Record{{Type: q.Type, Data: []byte{10, 0, 0, 1}}}, dns.Success
}

func TestAQueryIsAnsweredWithItsQuestion(t *testing.T) {
	got := dns.Reply(query(0x1234, 0x0100, "api", dns.A, 1), zone)
	want := []byte{
		0x12, 0x34, 0x85, 0x80, 0, 1, 0, 1, 0, 0, 0, 0, // an answer with authority, recursion wanted and there
		3, 'a', 'p', 'i', 0, 0, 1, 0, 1,
		0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 0, 0, 4, 10, 0, 0, 1,
	}
	if !bytes.Equal(got, want) {
		t.Errorf("the answer is\n%x, want\n%x", got, want)
	}
}

func TestWhatMakesNoSenseIsToldSo(t *testing.T) {
	long := strings.Repeat(strings.Repeat("x", 49)+".", 4)
	for _, row := range []struct {
		name string
		msg  []byte
		want string // code and number of answers, or nothing
	}{
		{"a name that is there", query(1, 0, "api", dns.A, 1), "0 1"},
		{"a stranger", query(1, 0, "db", dns.A, 1), "3 0"},
		{"the root", query(1, 0, "", dns.A, 1), "3 0"},
		{"any class", query(1, 0, "api", dns.A, 255), "0 1"},
		{"with an extension", counted(query(1, 0, "api", dns.A, 1, opt...), 1, 0, 0, 1), "0 1"},
		{"with bytes behind it", query(1, 0, "api", dns.A, 1, 1, 2, 3), "0 1"},
		{"with a record whose name is pointed at", counted(query(1, 0, "api", dns.A, 1,
			0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 0, 0, 1, 9), 1, 1), "0 1"},
		{"the longest name", query(1, 0, long+strings.Repeat("y", 53), dns.A, 1), "3 0"},

		{"nothing", nil, ""},
		{"half a header", query(1, 0, "api", dns.A, 1)[:11], ""},
		{"an answer", query(1, 0x8000, "api", dns.A, 1), ""},

		{"no question", counted(query(1, 0, "api", dns.A, 1), 0), "1 0"},
		{"two questions", counted(query(1, 0, "api", dns.A, 1), 2), "1 0"},
		{"a header alone", query(1, 0, "api", dns.A, 1)[:12], "1 0"},
		{"half a name", query(1, 0, "api", dns.A, 1)[:15], "1 0"},
		{"a name without end", query(1, 0, "api", dns.A, 1)[:16], "1 0"},
		{"no class", query(1, 0, "api", dns.A, 1)[:20], "1 0"},
		{"a name that points at itself", append(query(1, 0, "api", dns.A, 1)[:12], 0xc0, 12, 0, 1, 0, 1), "1 0"},
		{"a label of no known kind", append(query(1, 0, "api", dns.A, 1)[:12], 0x40, 0, 0, 1, 0, 1), "1 0"},
		{"a name too long", append(query(1, 0, long+"y", dns.A, 1)[:212],
			append(bytes.Repeat([]byte{1, 'z'}, 30), 0, 0, 1, 0, 1)...), "1 0"},
		{"cut short by its sender", query(1, 0x0200, "api", dns.A, 1), "1 0"},
		{"a record that is not there", counted(query(1, 0, "api", dns.A, 1), 1, 1), "1 0"},
		{"a record cut short", counted(query(1, 0, "api", dns.A, 1, opt[:10]...), 1, 0, 0, 1), "1 0"},
		{"a record without its data", counted(query(1, 0, "api", dns.A, 1,
			0, 0, 1, 0, 1, 0, 0, 0, 0, 0, 4, 1), 1, 1), "1 0"},
		{"a record with a name of no known kind", counted(query(1, 0, "api", dns.A, 1, 0x80, 0), 1, 1), "1 0"},

		{"another operation", query(1, 2<<11, "api", dns.A, 1), "4 0"},
		{"another class", query(1, 0, "api", dns.A, 3), "5 0"},
	} {
		t.Run(row.name, func(t *testing.T) {
			got := ""
			if b := dns.Reply(row.msg, zone); b != nil {
				got = fmt.Sprint(b[3]&0xf, b[7])
			}
			if got != row.want {
				t.Errorf("code and answers are %q, want %q", got, row.want)
			}
		})
	}
}

func TestANameIsReadAsItIsWritten(t *testing.T) {
	for _, name := range []string{"api", "api.example.com", "A-b_c", strings.Repeat("x", 63), "ä"} {
		asked := ""
		dns.Reply(query(1, 0, name, dns.A, 1), func(q dns.Question) ([]dns.Record, dns.Code) {
			asked = q.Name
			return nil, dns.Success
		})
		if asked != name {
			t.Errorf("%q is read as %q", name, asked)
		}
	}
	for _, name := range []string{"", ".", "a..b", "a.", strings.Repeat("x", 64), strings.Repeat("abc.", 63) + "abcd"} {
		if got := dns.Name(name); got != nil {
			t.Errorf("%q is encoded as %x, want no encoding", name, got)
		}
	}
}

func TestADotWithinALabelIsNoSeparator(t *testing.T) {
	msg := append(query(1, 0, "api", dns.A, 1)[:12], 3, 'a', '.', 'b', 0, 0, 1, 0, 1)
	dns.Reply(msg, func(q dns.Question) ([]dns.Record, dns.Code) {
		if q.Name != `a\.b` {
			t.Errorf("the name is %q", q.Name)
		}
		return nil, dns.Success
	})
}

func TestAddressesAsNames(t *testing.T) {
	nibbles := "1" + strings.Repeat(".0", 29) + ".d.f"
	for name, want := range map[string]string{
		"1.0.0.10.in-addr.arpa":          "10.0.0.1",
		"1.0.0.10.IN-ADDR.ARPA":          "10.0.0.1",
		nibbles + ".ip6.arpa":            "fd00::1",
		"api":                            "",
		"0.0.10.in-addr.arpa":            "",
		"1.1.0.0.10.in-addr.arpa":        "",
		"01.0.0.10.in-addr.arpa":         "",
		"256.0.0.10.in-addr.arpa":        "",
		"x.0.0.10.in-addr.arpa":          "",
		"1.ip6.arpa":                     "",
		"01" + nibbles[1:] + ".x":        "",
		"g" + nibbles[1:] + ".ip6":       "",
		"01" + nibbles[1:] + ".ip6.arpa": "",
		"g" + nibbles[1:] + ".ip6.arpa":  "",
	} {
		a, ok := dns.Reverse(name)
		if ok != (want != "") || ok && a != netip.MustParseAddr(want) {
			t.Errorf("%s stands for %v (%v), want %q", name, a, ok, want)
		}
	}
}

func FuzzReply(f *testing.F) {
	f.Add(query(1, 0x0100, "api", dns.A, 1))
	f.Add(query(1, 0, "db.example.com", dns.AAAA, 1))
	f.Add(counted(query(1, 0, "1.0.0.10.in-addr.arpa", dns.PTR, 1, opt...), 1, 0, 0, 1))
	f.Add(append(query(1, 0, "api", dns.A, 1)[:12], 0xc0, 12, 0, 1, 0, 1))
	f.Add([]byte("not a query at all"))
	f.Fuzz(func(t *testing.T, msg []byte) {
		before := bytes.Clone(msg)
		b := dns.Reply(msg, func(q dns.Question) ([]dns.Record, dns.Code) {
			dns.Reverse(q.Name)
			return zone(q)
		})
		if !bytes.Equal(msg, before) {
			t.Fatal("the query was changed")
		}
		if b == nil {
			if len(msg) >= 12 && msg[2]&0x80 == 0 {
				t.Fatal("a query was not answered")
			}
			return
		}
		if !bytes.Equal(b[:2], msg[:2]) || b[2]&0x80 == 0 {
			t.Fatalf("%x does not answer %x", b, msg)
		}
		if b[5] == 1 && !bytes.HasPrefix(msg[12:], b[12:len(b)-16*int(b[7])]) {
			t.Fatalf("%x does not repeat the question of %x", b, msg)
		}
		if dns.Reply(b, zone) != nil {
			t.Fatal("an answer was answered")
		}
	})
}
