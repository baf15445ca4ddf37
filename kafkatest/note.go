// What the journal gets of exchanges.

package kafkatest

import (
	"github.com/rehearse-go/rehearse/journal"
	"github.com/rehearse-go/rehearse/kafkatest/internal/wire"
)

// noteRequest records a request as it came.
func (e *exchange) noteRequest(frame []byte) {
	c := e.conn.broker.cluster
	if c.journal == nil {
		return
	}
	if c.config.brief {
		frame = nil
	}
	e.cause = c.note(journal.Event{
		Kind: "kafka.request", Where: e.conn.broker.name, Peer: e.ClientID, Subject: e.Name(),
		Size: e.read, Body: frame, Notes: []journal.Note{{Key: "conn", Value: e.Conn}},
	})
}

// noteRule records what a rule decided, before or after the cluster acted.
func (e *exchange) noteRule(when string, v Verdict) {
	c := e.conn.broker.cluster
	if c.journal == nil {
		return
	}
	c.note(journal.Event{
		Kind: "kafka.rule", Where: e.conn.broker.name, Peer: e.ClientID, Subject: e.Name(), Cause: e.cause,
		Notes: []journal.Note{
			{Key: "rule", Value: v.rule}, {Key: "when", Value: when}, {Key: "verdict", Value: v.String()},
		},
	})
}

// noteReply records the answer as the client will see it.
func (e *exchange) noteReply() {
	c := e.conn.broker.cluster
	if c.journal == nil || e.Reply == nil {
		return
	}
	e.Reply.SetVersion(e.Request.GetVersion())
	var frame []byte
	if !c.config.brief {
		frame = wire.AppendResponse(make([]byte, 0, answerSize(e.Reply)), e.correlation, e.Reply)
	}
	c.note(journal.Event{
		Kind: "kafka.response", Where: e.conn.broker.name, Peer: e.ClientID, Subject: e.Name(), Cause: e.cause,
		Size: len(frame), Body: frame, Notes: []journal.Note{{Key: "conn", Value: e.Conn}},
	})
}
