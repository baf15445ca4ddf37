// One direction of a connection, by itself.

package flow_test

import (
	"bytes"
	"slices"
	"testing"

	"github.com/rehearse-go/rehearse/vnet/internal/flow"
)

func TestBytesArriveInTheOrderTheyWereSent(t *testing.T) {
	var f flow.Flow
	f.Put([]byte("one "))
	f.Send([]byte("two "))
	f.Send([]byte("three"))
	wantZones(t, &f, "one ", "two three")

	f.Land(4)
	wantZones(t, &f, "one two ", "three")
	wantRead(t, &f, 5, "one t")
	f.Land(5)
	wantRead(t, &f, 100, "wo three")
	wantRead(t, &f, 100, "")
}

func TestBytesInFlightCannotBeRead(t *testing.T) {
	var f flow.Flow
	f.Send([]byte("later"))
	wantRead(t, &f, 100, "")
	if f.Len() != 5 || f.Unread() != 0 {
		t.Errorf("Len %d, Unread %d; want 5 in flight, 0 unread", f.Len(), f.Unread())
	}
}

func TestNoMoreLandsThanFlies(t *testing.T) {
	var f flow.Flow
	f.Send([]byte("abc"))
	f.Land(100)
	wantZones(t, &f, "abc", "")
}

func TestRecallTakesBackWhatIsInFlight(t *testing.T) {
	var f flow.Flow
	f.Put([]byte("there"))
	f.Send([]byte("under way"))
	if got := f.Recall(); string(got) != "under way" {
		t.Errorf("recalled %q; want %q", got, "under way")
	}
	wantZones(t, &f, "there", "")
	f.Send([]byte("!"))
	f.Land(1)
	wantRead(t, &f, 100, "there!")
}

func TestInjectedBytesComeBeforeThoseInFlight(t *testing.T) {
	var f flow.Flow
	f.Put([]byte("a"))
	f.Send([]byte("c"))
	f.Inject([]byte("b"))
	wantZones(t, &f, "ab", "c")
}

func TestPeekCopies(t *testing.T) {
	var f flow.Flow
	f.Put([]byte("unread"))
	f.Send([]byte("flying"))
	unread, flying := f.Peek()
	clear(unread)
	clear(flying)
	_ = append(unread, "overrun"...)
	wantZones(t, &f, "unread", "flying")
	if string(flying) != "\x00\x00\x00\x00\x00\x00" {
		t.Errorf("appending to the unread bytes changed those in flight to %q", flying)
	}
}

func TestPoliciesCutWhatArrived(t *testing.T) {
	for _, row := range []struct {
		name   string
		policy flow.Policy
		put    []int // arrivals; a read of 100 bytes after each, and one at the end of the stream
		want   []int // what the reads return
	}{
		{"none", flow.Policy{}, []int{1, 7, 3}, []int{1, 7, 3, 0}},
		{"exactly waits for all", flow.Exactly(4), []int{1, 7, 3}, []int{0, 4, 4, 3}},
		{"exactly passes a short tail", flow.Exactly(100), []int{1, 2}, []int{0, 0, 3}},
		{"at most takes what is there", flow.AtMost(4), []int{1, 7, 3}, []int{1, 4, 4, 2}},
		{"at least passes everything", flow.AtLeast(4), []int{1, 2, 7}, []int{0, 0, 10, 0}},
		{"at least passes a short tail", flow.AtLeast(4), []int{1, 2}, []int{0, 0, 3}},
		{"exactly nothing counts as one", flow.Exactly(0), []int{2}, []int{1, 1}},
		{"at most less than nothing counts as one", flow.AtMost(-5), []int{2}, []int{1, 1}},
		{"at least nothing counts as one", flow.AtLeast(0), []int{2}, []int{2, 0}},
		{"a limit", flow.Exactly(1000).Limit(3), []int{2, 2}, []int{0, 3, 1}},
		{"a limit of nothing", flow.AtLeast(9).Limit(0), []int{2}, []int{2, 0}},
	} {
		t.Run(row.name, func(t *testing.T) {
			var f flow.Flow
			f.SetPolicy(row.policy)
			var got []int
			buf := make([]byte, 100)
			for _, n := range row.put {
				f.Put(make([]byte, n))
				got = append(got, f.Read(buf, false))
			}
			got = append(got, f.Read(buf, true))
			if !slices.Equal(got, row.want) {
				t.Errorf("reads returned %v; want %v", got, row.want)
			}
		})
	}
}

func TestADeliveryIsReadInPiecesBeforeTheNextIsCut(t *testing.T) {
	var f flow.Flow
	f.SetPolicy(flow.Exactly(4))
	f.Put([]byte("abcdefgh"))
	for _, want := range []string{"abc", "d", "efg", "h"} {
		wantRead(t, &f, 3, want)
	}
}

func TestAPolicySetLateCutsWhatIsThere(t *testing.T) {
	var f flow.Flow
	f.Put([]byte("abcdef"))
	f.SetPolicy(flow.Exactly(4))
	wantRead(t, &f, 100, "abcd")
	f.SetPolicy(flow.Policy{})
	wantRead(t, &f, 100, "ef")
}

func TestSkippedBytesCountAsDelivered(t *testing.T) {
	var f flow.Flow
	f.SetPolicy(flow.Exactly(4))
	f.Put([]byte("abcdefgh"))
	wantRead(t, &f, 1, "a")
	f.Skip(5)
	f.Put([]byte("ij"))
	wantRead(t, &f, 100, "ghij")
}

func TestAPolicyPrintsItsNameAndNumber(t *testing.T) {
	for want, p := range map[string]flow.Policy{
		"any": {}, "exactly": flow.Exactly(7), "at most": flow.AtMost(7), "at least": flow.AtLeast(7),
	} {
		if name, n := p.Mode(); name != want || n != 7 && name != "any" {
			t.Errorf("Mode() = %q, %d; want %q, 7", name, n, want)
		}
	}
}

func TestAnEmptyFlowAtRestHoldsLittleMemory(t *testing.T) {
	for _, size := range []int{0, 1, 64, 65, 256, 257, 1 << 10, 9 << 10, 64 << 10, 256 << 10, 1 << 20} {
		var f flow.Flow
		f.Put(make([]byte, size))
		if c := f.Capacity(); c < size || c&(c-1) != 0 {
			t.Errorf("with %d bytes in it a flow holds %d; want a power of two that is enough", size, c)
		}
		f.Skip(size)
		f.Rest()
		if c := f.Capacity(); c > 256 || size > 256 && c != 0 {
			t.Errorf("after %d bytes an empty flow holds %d; want 256 at most", size, c)
		}
	}
}

func TestAFlowWithBytesInItKeepsThemAtRest(t *testing.T) {
	var f flow.Flow
	f.Put(bytes.Repeat([]byte("x"), 10_000))
	f.Skip(9_999)
	f.Rest()
	wantRead(t, &f, 100, "x")
}

// A buffer from a pool has old bytes in it; none may be seen again.
func TestBuffersThatAreUsedAgainShowNothingOld(t *testing.T) {
	for range 3 {
		var f flow.Flow
		secret, open := bytes.Repeat([]byte("s"), 5_000), bytes.Repeat([]byte("o"), 3_000)
		f.Put(secret)
		f.Skip(len(secret))
		f.Rest()
		f.Put(open)
		unread, flying := f.Peek()
		if !bytes.Equal(unread, open) || len(flying) > 0 {
			t.Fatal("a flow shows bytes that were never put into it")
		}
		f.Skip(len(open))
		f.Rest()
	}
}

func TestTwoFlowsNeverShareABuffer(t *testing.T) {
	var f, g flow.Flow
	for size := 1; size <= 1<<20; size *= 4 {
		f.Put(bytes.Repeat([]byte("f"), size))
		g.Put(bytes.Repeat([]byte("g"), size))
		for flow, letter := range map[*flow.Flow]string{&f: "f", &g: "g"} {
			if unread, _ := flow.Peek(); len(unread) != size || bytes.Count(unread, []byte(letter)) != size {
				t.Fatalf("with %d bytes, a flow of %s holds others", size, letter)
			}
			flow.Skip(size)
			flow.Rest()
			flow.Rest() // twice gives nothing away twice
		}
	}
}

func TestAStreamOfChunksAllocatesNothing(t *testing.T) {
	var f flow.Flow
	buf := make([]byte, 16<<10)
	got := testing.AllocsPerRun(200, func() {
		f.Put(buf)
		f.Send(buf)
		f.Land(len(buf))
		for f.Read(buf, false) > 0 {
		}
	})
	if got > 0 {
		t.Errorf("%v allocations for a chunk; want none", got)
	}
}

func wantRead(t *testing.T, f *flow.Flow, size int, want string) {
	t.Helper()
	buf := make([]byte, size)
	if n := f.Read(buf, false); string(buf[:n]) != want {
		t.Errorf("read %q; want %q", buf[:n], want)
	}
}

func wantZones(t *testing.T, f *flow.Flow, unread, flying string) {
	t.Helper()
	u, fl := f.Peek()
	if string(u) != unread || string(fl) != flying {
		t.Errorf("unread %q, in flight %q; want %q, %q", u, fl, unread, flying)
	}
	if f.Unread() != len(unread) || f.Len() != len(unread)+len(flying) {
		t.Errorf("Unread %d, Len %d; want %d, %d", f.Unread(), f.Len(), len(unread), len(unread)+len(flying))
	}
}
