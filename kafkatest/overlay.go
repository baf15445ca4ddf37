// Overlays: an answer of which some parts are replaced by errors.

package kafkatest

import (
	"reflect"
	"slices"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// overlay returns the answer with what is in error in refused in the place of
// its own. Neither is changed.
func overlay(answer, refused kmsg.Response) kmsg.Response {
	if answer == nil || reflect.TypeOf(answer) != reflect.TypeOf(refused) {
		return answer
	}
	under := reflect.ValueOf(answer).Elem()
	v := reflect.New(under.Type())
	v.Elem().Set(under)
	lay(v.Elem(), reflect.ValueOf(refused).Elem())
	return v.Interface().(kmsg.Response)
}

// lay puts the errors of src over dst.
func lay(dst, src reflect.Value) {
	for i := range src.NumField() {
		f := src.Field(i)
		switch name := src.Type().Field(i).Name; {
		case name == "ErrorCode" || name == "ErrorMessage":
			if !f.IsZero() {
				dst.Field(i).Set(f)
			}
		case isRoomy(f):
			dst.Field(i).Set(layList(dst.Field(i), f))
		}
	}
}

// layList returns the entries of dst with those of src over them.
func layList(dst, src reflect.Value) reflect.Value {
	merged := reflect.MakeSlice(dst.Type(), 0, dst.Len()+src.Len())
	merged = reflect.AppendSlice(merged, dst)
	for j := range src.Len() {
		e := src.Index(j)
		at := indexOf(merged, e)
		switch {
		case at < 0:
			merged = reflect.Append(merged, e)
		case inError(e):
			merged.Index(at).Set(e)
		default:
			lay(merged.Index(at), e)
		}
	}
	return merged
}

// inError reports whether an entry itself, not one that hangs from it, is in
// error.
func inError(e reflect.Value) bool {
	f := e.FieldByName("ErrorCode")
	return f.IsValid() && !f.IsZero()
}

// indexOf returns the entry of list that is about the same as e; -1 if there
// is none.
func indexOf(list, e reflect.Value) int {
	for j := range list.Len() {
		if sameIdentity(list.Index(j), e) {
			return j
		}
	}
	return -1
}

// sameIdentity reports whether a has all the names that b has.
func sameIdentity(a, b reflect.Value) bool {
	for i := range b.NumField() {
		name := b.Type().Field(i).Name
		if !slices.Contains(identities, name) || name != "Partition" && b.Field(i).IsZero() {
			continue
		}
		if !reflect.DeepEqual(a.Field(i).Interface(), b.Field(i).Interface()) {
			return false
		}
	}
	return true
}

// overlayMetadata returns a Metadata answer with the error said of the topics
// and partitions for which keep holds. Where it holds for some partitions of a
// topic only, they are said to have no leader.
func overlayMetadata(answer *kmsg.MetadataResponse, err *kerr.Error, keep func(matter) bool) kmsg.Response {
	r := *answer
	r.Topics = slices.Clone(r.Topics)
	for i := range r.Topics {
		t := &r.Topics[i]
		name := ""
		if t.Topic != nil {
			name = *t.Topic
		}
		hit := partitionsHit(t, name, keep)
		about := matter{topic: name, partition: wholeTopic}
		if len(t.Partitions) == 0 {
			about.partition = noPartition
		}
		switch {
		case keep(about):
			t.ErrorCode, t.Partitions = err.Code, nil
		case len(hit) > 0:
			t.Partitions = slices.Clone(t.Partitions)
			for _, j := range hit {
				t.Partitions[j].ErrorCode, t.Partitions[j].Leader = err.Code, -1
			}
		}
	}
	return &r
}

// wholeTopic is a partition that no condition on single partitions holds for.
const wholeTopic = -2

// partitionsHit returns the indexes of the partitions for which keep holds.
func partitionsHit(t *kmsg.MetadataResponseTopic, name string, keep func(matter) bool) (hit []int) {
	for j := range t.Partitions {
		if keep(matter{topic: name, partition: t.Partitions[j].Partition}) {
			hit = append(hit, j)
		}
	}
	return hit
}
