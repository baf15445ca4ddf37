// Fetch sessions: what a consumer asked for before it need not ask again (KIP-227).

package state

import (
	"math"
	"slices"
	"strconv"
	"time"

	"github.com/rehearse-go/rehearse/kafkatest/internal/call"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// A wish is one partition that a fetch asks for.
type wish struct {
	wishKey
	offset      int64
	maxBytes    int32
	leaderEpoch int32 // that the caller believes in; -1 if it does not tell
	lastEpoch   int32 // of the last record it has; -1 if it does not tell

	// known is the name that the topic's id stood for when it was last found:
	// Kafka keeps it when the topic is deleted, and errs by it.
	known string

	// What a session has told last; a partition is told again only when
	// something of it is new.
	toldHW    int64
	toldStart int64
}

// A wishKey names a partition as the request does: by name or by id.
type wishKey struct {
	topic     string
	id        [16]byte
	partition int32
}

// A fetchSession is what one consumer asks of one broker, time and again.
type fetchSession struct {
	id     int32
	broker int32
	start  int64 // of the broker: sessions do not outlive it
	epoch  int32 // of the next request
	byID   bool  // the requests name topics by id
	used   time.Time
	wishes []*wish // in the order in which they are served
	find   map[wishKey]*wish
}

// A sessionKey names a session. Each broker has its own.
type sessionKey struct {
	broker int32
	id     int32
}

// evictAfter is for how long a session that is not used is kept in a full
// cache: Kafka's MIN_INCREMENTAL_FETCH_SESSION_EVICTION_MS.
const evictAfter = 2 * time.Minute

// maxRemembered is how many partitions all sessions remember together, so that
// no number of sessions and of partitions in them exhausts the memory.
const maxRemembered = 1 << 18

// Epochs of requests that are not in the middle of a session.
const (
	firstEpoch = 0
	finalEpoch = -1
)

// A fetchContext is what a request is in.
type fetchContext struct {
	session     *fetchSession // nil if there is none
	incremental bool          // only what is new is told
	wishes      []*wish
}

// enterSession finds out what a fetch is in: a session that goes on, a new
// one, or none.
func (c *Cluster) enterSession(x *call.Call, req *kmsg.FetchRequest) (fetchContext, *kerr.Error) {
	if req.Version < 7 || req.SessionEpoch == finalEpoch {
		if req.Version >= 7 && req.SessionID != 0 {
			delete(c.sessions, sessionKey{x.Broker, req.SessionID})
		}
		return fetchContext{wishes: wishesOf(req)}, nil
	}
	if req.SessionEpoch == firstEpoch {
		if req.SessionID != 0 {
			delete(c.sessions, sessionKey{x.Broker, req.SessionID})
		}
		wishes := wishesOf(req)
		return fetchContext{session: c.newSession(x, req, wishes), wishes: wishes}, nil
	}
	s, ok := c.sessions[sessionKey{x.Broker, req.SessionID}]
	switch {
	case !ok || s.start != c.brokerEpoch(x.Broker):
		return fetchContext{}, kerr.FetchSessionIDNotFound
	case s.epoch != req.SessionEpoch:
		return fetchContext{}, kerr.InvalidFetchSessionEpoch
	case s.byID != (req.Version >= 13):
		return fetchContext{}, kerr.FetchSessionTopicIDError
	}
	if s.update(req) && c.remembered() > maxRemembered {
		delete(c.sessions, sessionKey{x.Broker, s.id}) // this answer is its last
	}
	if len(s.wishes) == 0 {
		delete(c.sessions, sessionKey{x.Broker, s.id})
		return fetchContext{}, nil
	}
	s.used = c.Agenda.Now()
	s.epoch = epochAfter(s.epoch)
	return fetchContext{session: s, incremental: true, wishes: s.wishes}, nil
}

// epochAfter returns the epoch of the request after one: after the largest, 1,
// since 0 begins a session.
func epochAfter(epoch int32) int32 {
	if epoch == math.MaxInt32 {
		return 1
	}
	return epoch + 1
}

func (c *Cluster) brokerEpoch(id int32) int64 {
	if b, ok := c.Broker(id); ok {
		return b.Epoch
	}
	return -1
}

// newSession makes a session, or none if there are too many already.
func (c *Cluster) newSession(x *call.Call, req *kmsg.FetchRequest, wishes []*wish) *fetchSession {
	if !c.roomForSession(x.Broker) || c.remembered()+len(wishes) > maxRemembered {
		return nil
	}
	s := &fetchSession{
		id:     c.sessionID(x),
		broker: x.Broker,
		start:  c.brokerEpoch(x.Broker),
		epoch:  1,
		byID:   req.Version >= 13,
		used:   c.Agenda.Now(),
		wishes: wishes,
		find:   make(map[wishKey]*wish, len(wishes)),
	}
	for _, w := range wishes {
		s.find[w.wishKey] = w
	}
	c.sessions[sessionKey{x.Broker, s.id}] = s
	return s
}

// remembered returns how many partitions all sessions remember.
func (c *Cluster) remembered() (n int) {
	for _, s := range c.sessions {
		n += len(s.wishes)
	}
	return n
}

// sessionID draws an id that is free from the connection's name.
func (c *Cluster) sessionID(x *call.Call) int32 {
	for n := 0; ; n++ {
		id := int32(1 + c.Seed.Below(math.MaxInt32, "fetch session", x.Conn, strconv.Itoa(n)))
		if _, taken := c.sessions[sessionKey{x.Broker, id}]; !taken && id > 0 {
			return id
		}
	}
}

// roomForSession reports whether a broker may have another session, and makes
// room by letting go of the one that was not used for longest.
func (c *Cluster) roomForSession(broker int32) bool {
	limit := c.SettingInt("max.incremental.fetch.session.cache.slots")
	if int64(len(c.sessions)) < limit {
		return true
	}
	n, oldest := int64(0), (*fetchSession)(nil)
	for _, s := range c.sessions {
		if s.broker != broker {
			continue
		}
		n++
		if oldest == nil || s.used.Before(oldest.used) || s.used.Equal(oldest.used) && s.id < oldest.id {
			oldest = s
		}
	}
	switch {
	case n < limit:
		return true
	case oldest == nil || c.Agenda.Now().Sub(oldest.used) < evictAfter && oldest.start == c.brokerEpoch(broker):
		return false
	}
	delete(c.sessions, sessionKey{broker, oldest.id})
	return true
}

// wishesOf returns what the request asks for by itself. As in Kafka, of a
// partition that is there more than once the last counts, in the first's place.
func wishesOf(req *kmsg.FetchRequest) []*wish {
	n := 0
	for i := range req.Topics {
		n += len(req.Topics[i].Partitions)
	}
	values, wishes := make([]wish, 0, n), make([]*wish, 0, n)
	find := make(map[wishKey]*wish, n)
	for i := range req.Topics {
		t := &req.Topics[i]
		for j := range t.Partitions {
			key := wishKey{t.Topic, t.TopicID, t.Partitions[j].Partition}
			w, again := find[key]
			if !again {
				values = append(values, wish{wishKey: key, toldHW: -1, toldStart: -1})
				w = &values[len(values)-1]
				find[key], wishes = w, append(wishes, w)
			}
			w.set(&t.Partitions[j])
		}
	}
	return wishes
}

func (w *wish) set(p *kmsg.FetchRequestTopicPartition) {
	w.offset, w.maxBytes = p.FetchOffset, p.PartitionMaxBytes
	w.leaderEpoch, w.lastEpoch = p.CurrentLeaderEpoch, p.LastFetchedEpoch
}

// update takes in what a request changes of the session, and reports whether
// that adds partitions.
func (s *fetchSession) update(req *kmsg.FetchRequest) (added bool) {
	for i := range req.Topics {
		t := &req.Topics[i]
		for j := range t.Partitions {
			key := wishKey{t.Topic, t.TopicID, t.Partitions[j].Partition}
			w, ok := s.find[key]
			if !ok {
				w = &wish{wishKey: key, toldHW: -1, toldStart: -1}
				s.find[key] = w
				s.wishes, added = append(s.wishes, w), true
			}
			w.set(&t.Partitions[j])
		}
	}
	if len(req.ForgottenTopics) == 0 {
		return added
	}
	for i := range req.ForgottenTopics {
		t := &req.ForgottenTopics[i]
		for _, partition := range t.Partitions {
			delete(s.find, wishKey{t.Topic, t.TopicID, partition})
		}
	}
	s.wishes = slices.DeleteFunc(slices.Clone(s.wishes), func(w *wish) bool { return s.find[w.wishKey] != w })
	return added
}

// rotate puts the partitions that gave records behind the others, so that no
// partition starves those after it.
func (s *fetchSession) rotate(gave func(i int) bool) {
	served := make([]*wish, 0, len(s.wishes))
	rest := make([]*wish, 0, len(s.wishes))
	for i, w := range s.wishes {
		if gave(i) {
			served = append(served, w)
		} else {
			rest = append(rest, w)
		}
	}
	s.wishes = append(rest, served...)
}

// SessionTopics returns what a session on a broker asks for, in its order and
// by name or id as the session does, each partition by itself; nil if there is
// no such session.
func (c *Cluster) SessionTopics(broker, id int32) (topics []kmsg.FetchRequestTopic) {
	s, ok := c.sessions[sessionKey{broker, id}]
	if !ok {
		return nil
	}
	for _, w := range s.wishes {
		t := kmsg.NewFetchRequestTopic()
		t.Topic, t.TopicID = w.topic, w.id
		p := kmsg.NewFetchRequestTopicPartition()
		p.Partition, p.FetchOffset = w.partition, w.offset
		t.Partitions = append(t.Partitions, p)
		topics = append(topics, t)
	}
	return topics
}
