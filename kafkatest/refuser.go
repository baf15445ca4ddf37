// Refusals: answers that say an error wherever an API has room for one.

package kafkatest

import (
	"reflect"
	"slices"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// refusal returns the answer to req that says err: for each topic, partition,
// group, member or resource of the request where the API has room for an error
// there, else for the request. Some errors are of the request whatever the
// room, such as those of a coordinator; unless fine is set, they are said for
// it. split reports whether the parts of the request have errors of their own.
func refusal(req kmsg.Request, err *kerr.Error, fine bool) (resp kmsg.Response, split bool) {
	resp = req.ResponseKind()
	v, asked := reflect.ValueOf(resp).Elem(), reflect.ValueOf(req).Elem()
	mirror(v, asked)
	r := refuser{err: err, fine: fine, key: kmsg.Key(req.Key()), version: req.GetVersion()}
	r.top(v)
	if !r.said {
		r.invent(v)
	}
	return resp, r.split
}

// A refuser says an error in the answer to one request.
type refuser struct {
	err     *kerr.Error
	fine    bool // say it of the parts, whatever it is
	key     kmsg.Key
	version int16
	said    bool // the error is in the answer
	split   bool // in parts of it
}

// topSince tells from which version on the answer as a whole has an error
// code, where that is not the first; topUntil to which, where that is not the
// last.
var topSince = map[kmsg.Key]int16{
	kmsg.Fetch:              7,
	kmsg.Metadata:           13,
	kmsg.OffsetFetch:        2,
	kmsg.AddPartitionsToTxn: 4,
	kmsg.DescribeLogDirs:    3,
	kmsg.ElectLeaders:       1,
}

var topUntil = map[kmsg.Key]int16{
	kmsg.OffsetFetch:     7,
	kmsg.FindCoordinator: 3,
}

// ofTheRequest are errors that are said of the request as a whole wherever
// there is room for that.
var ofTheRequest = []*kerr.Error{
	kerr.CoordinatorNotAvailable, kerr.CoordinatorLoadInProgress, kerr.NotCoordinator, kerr.NotController,
	kerr.ClusterAuthorizationFailed, kerr.GroupAuthorizationFailed, kerr.RequestTimedOut,
	kerr.FetchSessionIDNotFound, kerr.InvalidFetchSessionEpoch, kerr.FetchSessionTopicIDError,
	kerr.InconsistentClusterID, kerr.RebootstrapRequired, kerr.UnsupportedVersion, kerr.InvalidRequest,
	kerr.ShareSessionNotFound, kerr.InvalidShareSessionEpoch, kerr.ShareSessionLimitReached,
	kerr.TransactionalIDAuthorizationFailed, kerr.BrokerNotAvailable,
}

// ofTheParts are the APIs whose errors are those of the request, with the
// errors that are not.
var ofTheParts = map[kmsg.Key][]*kerr.Error{
	kmsg.OffsetFetch: {kerr.UnknownTopicOrPartition, kerr.UnknownTopicID, kerr.TopicAuthorizationFailed,
		kerr.UnstableOffsetCommit},
	kmsg.OffsetDelete:   {kerr.UnknownTopicOrPartition, kerr.TopicAuthorizationFailed, kerr.GroupSubscribedToTopic},
	kmsg.LeaveGroup:     {kerr.UnknownMemberID, kerr.FencedInstanceID},
	kmsg.UpdateFeatures: nil,
}

// isWhole reports whether the error is one of the request rather than of its
// parts.
func (r *refuser) isWhole() bool {
	if r.fine {
		return false
	}
	if parts, ok := ofTheParts[r.key]; ok {
		return !slices.Contains(parts, r.err)
	}
	return slices.Contains(ofTheRequest, r.err)
}

// top says the error in the answer v.
func (r *refuser) top(v reflect.Value) {
	own := fieldOf(v.Type(), "ErrorCode") >= 0 && r.version >= topSince[r.key]
	if last, bounded := topUntil[r.key]; bounded && r.version > last {
		own = false
	}
	if own && r.isWhole() {
		r.prune(v)
		r.say(v)
		return
	}
	if r.parts(v) {
		r.split = true
		return
	}
	if own {
		r.say(v)
	}
}

// parts says the error in the entries that hang from v, and reports whether
// there are any.
func (r *refuser) parts(v reflect.Value) (said bool) {
	for i := range v.NumField() {
		list := v.Field(i)
		if !isRoomy(list) {
			continue
		}
		for j := range list.Len() {
			said = r.entry(list.Index(j)) || said
		}
	}
	return said
}

// entry says the error in one entry: of the entries that hang from it, if it
// is one of them, or else of itself.
func (r *refuser) entry(v reflect.Value) bool {
	own := fieldOf(v.Type(), "ErrorCode") >= 0
	if own && r.isWhole() || !r.parts(v) && own {
		r.prune(v)
		r.say(v)
		return true
	}
	return !own || r.said
}

// isRoomy reports whether a field is a list of entries with room for errors.
func isRoomy(f reflect.Value) bool {
	return f.Kind() == reflect.Slice && f.Type().Elem().Kind() == reflect.Struct && hasRoom(f.Type().Elem())
}

// prune lets go of the entries that hang from what is in error as a whole.
func (r *refuser) prune(v reflect.Value) {
	for i := range v.NumField() {
		if isRoomy(v.Field(i)) {
			v.Field(i).SetLen(0)
		}
	}
}

// unknown are fields that are -1 where the answer is an error.
var unknown = []string{
	"BaseOffset", "LogAppendTime", "LogStartOffset", "HighWatermark", "LastStableOffset", "Offset", "Timestamp",
	"LeaderEpoch", "EndOffset", "LowWatermark", "StartOffset", "Leader", "LeaderID", "NodeID", "Port",
	"ProducerEpoch", "Generation", "ControllerID",
}

// say sets the error of v, and its other fields to what says nothing.
func (r *refuser) say(v reflect.Value) {
	r.said = true
	for i := range v.NumField() {
		f := v.Field(i)
		switch name := v.Type().Field(i).Name; {
		case name == "ErrorCode":
			f.SetInt(int64(r.err.Code))
		case name == "ErrorMessage":
			description := r.err.Description
			f.Set(reflect.ValueOf(&description))
		case f.CanInt() && slices.Contains(unknown, name):
			f.SetInt(-1)
		case f.CanInt() && name == "ProducerID" && f.IsZero():
			f.SetInt(-1)
		case name == "Protocol" || name == "Metadata":
			assign(f, reflect.ValueOf("")) // null is not allowed in old versions
		case name == "RecordBatches" || name == "SASLAuthBytes" || name == "MemberAssignment":
			f.SetBytes([]byte{})
		}
	}
}

// invent says the error in an entry of its own, where the request asks for
// nothing in particular and the answer has no error as a whole.
func (r *refuser) invent(v reflect.Value) {
	if r.key != kmsg.DescribeLogDirs {
		return
	}
	for i := range v.NumField() {
		if list := v.Field(i); isRoomy(list) {
			e := newElement(list.Type().Elem())
			r.say(e)
			list.Set(reflect.Append(list, e))
			return
		}
	}
}
