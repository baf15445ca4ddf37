// An entry of gRPC's binary log.

package foreign

import (
	"slices"
	"strings"
	"time"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/rehearse-go/rehearse/grpcreplay/internal/tape"
)

// The types of entries: GrpcLogEntry.EventType.
const (
	clientHeader  = 1
	serverHeader  = 2
	clientMessage = 3
	serverMessage = 4
	halfClose     = 5
	trailer       = 6
	cancel        = 7
)

// serverLogged is GrpcLogEntry.LOGGER_SERVER.
const serverLogged = 2

// The fields of a GrpcLogEntry.
const (
	logTime      protowire.Number = 1
	logCallID    protowire.Number = 2
	logSequence  protowire.Number = 3
	logType      protowire.Number = 4
	logSide      protowire.Number = 5
	logClient    protowire.Number = 6
	logServer    protowire.Number = 7
	logMessage   protowire.Number = 8
	logTrailer   protowire.Number = 9
	logTruncated protowire.Number = 10
	logPeer      protowire.Number = 11
)

var logTypes = map[protowire.Number]protowire.Type{
	logTime: nested, logCallID: varint, logSequence: varint, logType: varint, logSide: varint, logClient: nested,
	logServer: nested, logMessage: nested, logTrailer: nested, logTruncated: varint, logPeer: nested,
}

// A logEntry is one GrpcLogEntry.
type logEntry struct {
	call      uint64
	kind      uint64
	server    bool
	truncated bool
	time      time.Time
	method    string
	authority string
	timeout   time.Duration
	pairs     []tape.Pair
	length    uint64 // of the message as it was
	data      []byte
	status    tape.Status
}

func (e *logEntry) key() callKey { return callKey{server: e.server, id: e.call} }

// parseLogEntry reads an entry's bytes.
func parseLogEntry(b []byte) (e logEntry, err error) {
	err = fields(b, func(f field) (err error) {
		switch {
		case logTypes[f.number] != f.typ:
			return nil
		case f.number == logTime:
			seconds, nanos, err := parseSpan(f.b)
			e.time = time.Unix(seconds, nanos)
			return err
		case f.number == logCallID:
			e.call = f.n
		case f.number == logType:
			e.kind = f.n
		case f.number == logSide:
			e.server = f.n == serverLogged
		case f.number == logTruncated:
			e.truncated = f.n != 0
		case f.number == logClient:
			return e.parseClientHeader(f.b)
		case f.number == logServer:
			e.pairs, err = e.parseServerHeader(f.b)
		case f.number == logMessage:
			return e.parseMessage(f.b)
		case f.number == logTrailer:
			return e.parseTrailer(f.b)
		}
		return err
	})
	if (e.kind == clientMessage || e.kind == serverMessage) && e.length != uint64(len(e.data)) {
		e.truncated = true
	}
	return e, err
}

func (e *logEntry) parseClientHeader(b []byte) error {
	return fields(b, func(f field) (err error) {
		switch {
		case f.is(1, nested):
			e.pairs, err = parseMetadata(f.b)
		case f.is(2, nested):
			e.method = string(f.b)
		case f.is(3, nested):
			e.authority = string(f.b)
		case f.is(4, nested):
			e.timeout, err = parseTimeout(f.b)
		}
		return err
	})
}

func (e *logEntry) parseServerHeader(b []byte) (pairs []tape.Pair, err error) {
	err = fields(b, func(f field) (err error) {
		if f.is(1, nested) {
			pairs, err = parseMetadata(f.b)
		}
		return err
	})
	return pairs, err
}

func (e *logEntry) parseMessage(b []byte) error {
	return fields(b, func(f field) error {
		switch {
		case f.is(1, varint):
			e.length = f.n
		case f.is(2, nested):
			e.data = f.b
		}
		return nil
	})
}

// parseTrailer reads the end of a call. Its details are a whole
// google.rpc.Status, whose code and message are those that stand beside it.
func (e *logEntry) parseTrailer(b []byte) error {
	var details []tape.Any
	err := fields(b, func(f field) (err error) {
		switch {
		case f.is(1, nested):
			e.pairs, err = parseMetadata(f.b)
		case f.is(2, varint):
			e.status.Code = uint32(f.n)
		case f.is(3, nested):
			e.status.Message = string(f.b)
		case f.is(4, nested):
			var s tape.Status
			s, err = parseStatus(f.b)
			details = s.Details
		}
		return err
	})
	e.status.Details = details
	return err
}

// parseMetadata reads a Metadata, and sorts it. The values of "-bin" keys are
// the bytes themselves, as on a tape.
func parseMetadata(b []byte) (pairs []tape.Pair, err error) {
	err = fields(b, func(f field) error {
		if !f.is(1, nested) {
			return nil
		}
		var p tape.Pair
		err := fields(f.b, func(f field) error {
			switch {
			case f.is(1, nested):
				p.Key = strings.ToLower(string(f.b))
			case f.is(2, nested):
				p.Value = string(f.b)
			}
			return nil
		})
		pairs = append(pairs, p)
		return err
	})
	slices.SortStableFunc(pairs, func(a, b tape.Pair) int { return strings.Compare(a.Key, b.Key) })
	return pairs, err
}

// parseSpan reads a google.protobuf.Timestamp or Duration.
func parseSpan(b []byte) (seconds, nanos int64, err error) {
	err = fields(b, func(f field) error {
		switch {
		case f.is(1, varint):
			seconds = int64(f.n)
		case f.is(2, varint):
			nanos = int64(int32(f.n))
		}
		return nil
	})
	return seconds, nanos, err
}

// maxSeconds is how many seconds a time.Duration holds.
const maxSeconds = int64(1<<63-1) / int64(time.Second)

func parseTimeout(b []byte) (time.Duration, error) {
	seconds, nanos, err := parseSpan(b)
	if seconds >= maxSeconds {
		return 1<<63 - 1, err
	}
	return max(0, time.Duration(max(seconds, 0))*time.Second+time.Duration(nanos)), err
}
