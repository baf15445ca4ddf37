// An exchange: one request with its answer, and what may become of it.

package kafkatest

import (
	"context"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// An Exchange is one request, and the answer to it once there is one. Neither
// may be changed, but a rule that is asked after the cluster has acted may
// change the answer in place.
type Exchange struct {
	Broker    int32
	Listener  string // by which it came
	Conn      string // names the connection, unique in the cluster's life
	ClientID  string // "" if the client sent none
	Principal string // "User:alice"; "User:ANONYMOUS" of who has not logged in
	Request   kmsg.Request
	Reply     kmsg.Response // nil before the cluster acted, and where no answer is sent

	cluster *Cluster
	ctx     context.Context
	reached string     // the address by which the client came, without port
	found   *[]finding // where the condition of the rule that is asked holds
}

// Context returns a context that is done when the broker stops: what may wait
// in a Handler or a rule shall wait for this too.
func (e Exchange) Context() context.Context {
	if e.ctx == nil {
		return context.Background()
	}
	return e.ctx
}

// Name returns the request's name and version: "Produce v9".
func (e Exchange) Name() string { return requestName(e.Request) }

// A Verdict is what becomes of an exchange. The zero Verdict lets it pass as
// it is. Before the cluster acts, a Verdict with a Reply, an Err or a Cut
// takes the cluster's place: it never sees the request. Afterwards, it takes
// the place of the cluster's answer, and what the cluster did stays done.
type Verdict struct {
	Reply    kmsg.Response       // answer this; correlation and version are set
	Err      *kerr.Error         // or answer this error, wherever the API has room for one
	Cut      Cut                 // or do this to the connection
	Until    <-chan struct{}     // first wait until this is closed
	Delay    time.Duration       // then for this long
	Throttle time.Duration       // say that the client was throttled for so long
	Records  func([]byte) []byte // change the records in a Fetch's answer, where the rule's condition found them
	Frame    func([]byte) []byte // change the bytes of the answer, length prefix included

	rule  string    // the name of the rule
	found []finding // what its condition found
}

// A Cut is what is done to a connection instead of answering.
type Cut int

// What can be done to a connection.
const (
	NoCut     Cut = iota
	Silence       // no answer to this request; those that follow are served
	Blackhole     // no answer on this connection any more
	Close         // close the connection
	Reset         // reset it, so that bytes on their way are lost
	Half          // send the first half of the answer, then close
)

// A Traffic is what a notifier is told of one exchange.
type Traffic struct {
	Exchange
	BytesRead    int // of the request's frame, its length prefix included
	BytesWritten int // of the answer's; 0 if none was sent
}
