// What a service is made from.

package grpcreplay

import (
	"context"
	"crypto/tls"
	"io"
	"net"
	"time"

	"google.golang.org/protobuf/types/descriptorpb"

	"github.com/rehearse-go/rehearse/journal"
)

// A DialFunc opens a connection: net.Dialer.DialContext's shape.
type DialFunc = func(ctx context.Context, network, address string) (net.Conn, error)

// A ListenFunc opens a listener: net.ListenConfig.Listen's shape.
type ListenFunc = func(ctx context.Context, network, address string) (net.Listener, error)

// A Config says where a recording lies and how it is used. The zero Config is
// testdata/<test's name>.journal for Start, replayed if it is there.
type Config struct {
	// File holds the recording. If "", Start takes testdata/<test's name>.journal;
	// New needs it, or a Writer, a Recording or NoFile.
	File string

	// Recording is replayed instead of File. If nil, File is opened.
	Recording *Recording

	// Writer gets the recording at Close instead of File. If nil, File does.
	Writer io.Writer

	// NoFile makes a service without a recording: rules answer, and what none
	// decides goes to Target or, by DialOptions, where the program itself dials;
	// in ModeNone nowhere. If false, there is one.
	NoFile bool

	// Format is how File or Writer is written. If "", File's name decides: Binary
	// for .bin, CompressedBinary for .bin.gz and RPCReplay for .replay; else Text.
	Format Format

	// Mode says what is replayed and what is recorded. If "", ModeOnce, or
	// ModeNone where the environment variable CI is set.
	Mode Mode

	// Target is the address of the real service for Conn and Listen, as
	// grpc.NewClient takes it. If "", only DialOptions can record.
	Target string

	// TLS secures connections to Target. If nil, they are in the clear.
	TLS *tls.Config

	// Dial opens connections to Target. If nil, the operating system does.
	Dial DialFunc

	// Listen opens the socket at which Addr serves the recording, or the real
	// service as a proxy. If nil, no socket is opened.
	Listen ListenFunc

	// ListenAddress is what Listen is asked for. If "", 127.0.0.1:0.
	ListenAddress string

	// ListenTLS secures the socket. If nil, it speaks HTTP/2 in the clear.
	ListenTLS *tls.Config

	// Initial is kept with the recording and given back by Initial on replay. If
	// nil, nothing is.
	Initial []byte

	// Schema describes types that are not linked into the program and that the
	// recording does not know. If nil, and Target is recorded by proxy, its
	// server reflection is asked.
	Schema *descriptorpb.FileDescriptorSet

	// Match says when two calls are the same. If zero, method and content decide.
	Match Match

	// Redact says what is kept out of recordings. If zero, the defaults are.
	Redact Redact

	// Before is called with what is about to be recorded, and on replay with
	// what is about to be matched; it may change it. The program's own message
	// is never changed. An error ends the call with it. If nil, nothing is called.
	Before func(*Message) error

	// Pace is how much of the recorded time passes on replay: 1 is as
	// recorded, 0.5 twice as fast. If 0, answers come at once.
	Pace float64

	// Grace is how long an answer waits for what it waited for when it was
	// recorded, once nothing else holds it up. Between methods where that was in
	// vain it is an eighth the next time, and so on. If 0, 1s.
	Grace time.Duration

	// Strict makes an answer that ran out of Grace an error. If false, it is
	// written to the journal and the answer comes.
	Strict bool

	// AllowUnused lets Close pass when recorded calls were not made. If false,
	// it returns an UnusedError.
	AllowUnused bool

	// Expire is the age at which a recording is too old to be believed: the time
	// since File was last changed, which a fresh checkout is, too. If 0, never.
	Expire time.Duration

	// Expired says what happens then. If "", ExpiredWarn.
	Expired Expired

	// Limits bound what is read, recorded and kept. If zero, 64 MiB a message,
	// 1 GiB a file and 64 MiB of calls.
	Limits Limits

	// Journal gets an event for everything that happens. If nil, Start keeps
	// one for failures; New none.
	Journal *journal.Journal

	// Log is told every decision of matching, and why. If nil, nobody is.
	Log func(format string, args ...any)

	test string // the name of the test that Start was given
}

// A Mode says what is replayed and what is recorded.
type Mode string

// The modes.
const (
	ModeOnce   Mode = "once"   // replay the recording if there is one, else record
	ModeNone   Mode = "none"   // replay, never dial
	ModeNew    Mode = "new"    // replay what is recorded, record the rest and add it
	ModeAll    Mode = "all"    // record everything anew
	ModeVerify Mode = "verify" // ask the real service again and report what differs; the file stays as it is
	ModeSpy    Mode = "spy"    // replay what is recorded, ask the real service for the rest, record nothing
)

// Expired says what happens to a recording that is too old.
type Expired string

// What may happen to it.
const (
	ExpiredWarn   Expired = "warn"   // it is replayed, and the log says so
	ExpiredFail   Expired = "fail"   // New and Start fail
	ExpiredRecord Expired = "record" // it is recorded anew
)

// Match says when two calls are the same: those of one method whose messages
// are equal. Order of fields and of map entries does not count.
type Match struct {
	// Metadata names keys whose values must be equal too. Other keys only rank
	// calls that are otherwise equal. If nil, none must.
	Metadata []string

	// Ignore names fields that do not count: by full name, such as
	// pay.v1.GetRequest.request_id, or by path from the message, such as
	// meta.*.time, behind a method and a colon if only there. If nil, all count.
	Ignore []string
}

// Redact says what is kept out of a recording. Credential headers, fields
// with debug_redact, fields and map keys with names such as password, and
// text that looks like a token are replaced by pseudonyms, equal ones by equal ones.
type Redact struct {
	// Off keeps everything as it is. If false, the rules are applied.
	Off bool

	// Headers are further keys of metadata, Names further names of fields and
	// Fields further full names of fields to be replaced. If nil, the defaults
	// alone are.
	Headers, Names, Fields []string

	// Keep names what is never replaced: headers, fields' names or full names.
	// If nil, what is known to be no secret, such as page_token.
	Keep []string

	// Allow names the only keys of metadata that are kept. If nil, all are that
	// no rule replaces.
	Allow []string

	// Tokens are further regular expressions for what is replaced within text.
	// If nil, the default detectors alone are used.
	Tokens []string

	// NoTokens switches the detectors off. If false, they look at all text.
	NoTokens bool
}

// Limits bound what is taken in.
type Limits struct {
	// Message is the size of a message in bytes. If 0, 64 MiB.
	Message int64

	// File is the size of a recording in bytes. If 0, 1 GiB.
	File int64

	// Calls is the size in bytes of the calls kept for Called and Await; beyond
	// it, the oldest are forgotten. If 0, Start keeps all, and New, whose service
	// may run for weeks, 64 MiB of them.
	Calls int64
}
