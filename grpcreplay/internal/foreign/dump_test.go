// What grpc-dump printed, and what people made of it.

package foreign_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/rehearse-go/rehearse/grpcreplay/internal/foreign"
	"github.com/rehearse-go/rehearse/grpcreplay/internal/tape"
)

// dumped is what grpc-dump of grpc-tools v0.2.7 printed of the sample service.
const dumped = `1 /sample.v1.Store/Get unary tenant="acme"
  send "one"
  close
  header trace-bin="\x00�" x-region="eu"
  recv map[name:one nth:1 quoted:[type.googleapis.com/not.A] {]
  end 0 "" x-cost="2"
2 /sample.v1.Store/Get unary tenant="acme"
  send "one"
  close
  header trace-bin="\x00�" x-region="eu"
  recv map[name:one nth:2 quoted:[type.googleapis.com/not.A] {]
  end 0 "" x-cost="2"
3 /sample.v1.Store/Get unary tenant="acme"
  send ""
  close
  header trace-bin="\x00�" x-region="eu"
  recv map[]
  end 0 "" x-cost="2"
4 /sample.v1.Store/Get unary tenant="acme"
  send "missing"
  close
  end 5 "no such thing" x-cost="2"
5 /sample.v1.Store/List server-stream tenant="acme"
  send "x"
  close
  header
  recv "xa"
  recv "x"
  recv "xc"
  end 0 ""
6 /sample.v1.Store/List server-stream tenant="acme"
  send "bad"
  close
  header
  recv "bada"
  recv "bad"
  recv "badc"
  end 15 "gone midway"
7 /sample.v1.Store/Put client-stream tenant="acme"
  send "p"
  send "q"
  header
  recv "pq"
  end 0 ""
8 /sample.v1.Store/Chat bidi tenant="acme"
  send "hello"
  header
  recv "re: hello"
  send ""
  recv "re: "
  send "bye"
  recv "re: bye"
  end 0 ""
`

func TestADumpIsRead(t *testing.T) {
	tp := read(t, sample(t, "grpcdump.json"), samples(t))
	same(t, tell(t, tp), dumped)
	c := tp.Call(1)
	if c.Authority != "store.example" || c.Codec != "" || c.Start != 2660428 || c.Events[3].At != 2865735 {
		t.Errorf("call 2 is of %q in %q at %v, its answer at %v", c.Authority, c.Codec, c.Start, c.Events[3].At)
	}
	if got := strings.Join(c.Comments, ""); got != " grpc-dump has garbled the value of trace-bin" {
		t.Errorf("of what was garbled it says %q", got)
	}
	if h := tp.Head; h.Source != "grpc-tools" || !h.Lenient || tp.Schema == nil {
		t.Errorf("the head is %+v, with a schema of %d bytes", h, len(tp.Schema))
	}
}

func TestADumpNeedsNoTypes(t *testing.T) {
	want := dumped
	for _, shape := range []string{"unary", "server-stream", "client-stream", "bidi"} {
		want = strings.ReplaceAll(want, " "+shape+" ", "  ")
	}
	want = strings.ReplaceAll(want, "  close\n", "")
	same(t, tell(t, read(t, sample(t, "grpcdump.json"), nil)), want)
}

// line is a call of Chat with one message, written by hand.
func line(message string) string {
	const form = "{\n \"service\": \"sample.v1.Store\",\n \"method\": \"Chat\",\n \"messages\": [\n%s]}\n"
	return fmt.Sprintf(form, message)
}

func TestAnEditedMessageWins(t *testing.T) {
	for message, want := range map[string]string{
		`{"message_origin":"client","raw_message":"CgNvbmU=","message":"two"}`:                    "send \"two\"",
		`{"message_origin":"client","raw_message":"CgNvbmU=","message":"one"}`:                    "send \"one\"",
		`{"message_origin":"client","raw_message":"CgNvbmU=","message":{"1":"x"}}`:                "send \"one\"",
		`{"message_origin":"client","raw_message":"CgNvbmU="}`:                                    "send \"one\"",
		`{"message_origin":"client","message":"three","comment":"as people add it"}`:              "send \"three\"",
		`{"message_origin":"client"}`:                                                             "send \"\"",
		`{"message_origin":"client","message":null,"timestamp":"2026-11-25T16:38:01.434774926Z"}`: "send \"\"",
	} {
		got := tell(t, read(t, []byte(line(message)), samples(t)))
		same(t, got, "1 /sample.v1.Store/Chat bidi\n  "+want+"\n  end 0 \"\"\n")
	}
}

func TestCodesHaveNamesAndNumbers(t *testing.T) {
	for code, want := range map[string]uint32{
		`"OK"`: 0, `"Canceled"`: 1, `"Unauthenticated"`: 16, `"Code(99)"`: 99, `5`: 5, `"7"`: 7,
	} {
		b := `{"service":"a.B","method":"C","messages":null,"error":{"code":` + code + `,"message":"m"},"metadata":null}`
		if end := read(t, []byte(b), nil).Call(0).Ended(); end == nil || end.Status.Code != want {
			t.Errorf("%s ends the call with %+v", code, end)
		}
	}
}

func TestTimesCountFromTheEarliest(t *testing.T) {
	at := func(service, first, second string) string {
		return `{"service":"` + service + `","method":"C","messages":[` +
			`{"message_origin":"client","timestamp":"2026-11-25T00:00:` + first + `Z"},` +
			`{"message_origin":"server","timestamp":"2026-11-25T00:00:` + second + `Z"}]}` + "\n"
	}
	tp := read(t, []byte(at("a", "05", "06")+at("b", "02", "09")), nil)
	for i, want := range []time.Duration{3 * time.Second, 0} {
		if got := tp.Call(i).Start; got != want {
			t.Errorf("call %d starts at %v, want %v", i+1, got, want)
		}
	}
	if got := tp.Call(1).Ended().At; got != 7*time.Second {
		t.Errorf("the last call ends at %v", got)
	}
}

func TestDamagedDumpsAreFaults(t *testing.T) {
	good := line(`{"message_origin":"client"}`)
	for _, test := range []struct {
		b    string
		line int
		want string
	}{
		{good[:len(good)-3], 5, "call 1 of the dump"},
		{good + "\n{\"service\":\n\n12}", 9, "call 2 of the dump"},
		{good + "\n]", 7, "call 2 of the dump"},
		{line(`{"message_origin":"proxy"}`), 1, `is "proxy", neither client nor server`},
		{line(`{"message_origin":"client","raw_message":"?"}`), 1, "message 1 of /sample.v1.Store/Chat"},
		{`{"service":"a","method":"C","messages":[{"message_origin":"client","message":"x"}]}`, 1, "no raw_message"},
		{`{"service":"a","method":"","messages":[]}`, 1, "no service or no method"},
		{`{"service":"a","method":"C","error":{"code":"Bad"}}`, 1, `"Bad" is no status code`},
		{`{"service":"a","method":"C","messages":` + strings.Repeat("[", 20_000), 1, "depth"},
	} {
		_, err := foreign.Read([]byte(test.b), samples(t), tape.Limits{})
		checkFault(t, err)
		fault, ok := err.(*tape.FormatError)
		if !ok || fault.Line != test.line || !strings.Contains(fault.Msg, test.want) {
			t.Errorf("%.80q gives %v, want %q on line %d", test.b, err, test.want, test.line)
		}
	}
}

func TestACutDumpIsShorterOnlyBehindACall(t *testing.T) {
	b := sample(t, "grpcdump.json")
	whole := 0
	for n := len(`{"service"`); n <= len(b); n++ {
		_, err := foreign.Read(b[:n], nil, tape.Limits{})
		checkFault(t, err)
		if err == nil {
			whole++
		}
	}
	if whole != 16 { // behind the brace and behind the line's end, of eight calls
		t.Errorf("%d cuts are recordings, want 16", whole)
	}
}
