// What travels as JSON, and how it is read.

package gateway

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strconv"

	"github.com/rehearse-go/rehearse/commitlog"
)

type (
	produceRequest struct {
		Record *record `json:"record"`
	}
	produceResponse struct {
		Offset uint64 `json:"offset"`
	}
	consumeRequest struct {
		Offset uint64 `json:"offset"`
	}
	consumeResponse struct {
		Record record `json:"record"`
	}
	record struct {
		Value   []byte   `json:"value"`
		Offset  uint64   `json:"offset"` // a producer's is ignored
		Key     []byte   `json:"key,omitempty"`
		Headers []header `json:"headers,omitempty"`
	}
	header struct {
		Name  string `json:"name"`
		Value []byte `json:"value"`
	}
)

func (r *record) record() commitlog.Record {
	made := commitlog.Record{Key: r.Key, Value: r.Value}
	for _, h := range r.Headers {
		made.Header = append(made.Header, commitlog.Header{Name: h.Name, Value: h.Value})
	}
	return made
}

func recordOf(r commitlog.Record) record {
	made := record{Value: r.Value, Offset: r.Offset, Key: r.Key}
	if made.Value == nil {
		made.Value = []byte{} // "" and not null
	}
	for _, h := range r.Header {
		made.Headers = append(made.Headers, header{h.Name, h.Value})
	}
	return made
}

// decode reads one JSON value and nothing behind it. A field that nobody
// knows is an error: misspelt, it would make an empty record.
func decode(body io.Reader, into any) error {
	d := json.NewDecoder(body)
	d.DisallowUnknownFields()
	err := d.Decode(into)
	if err == nil {
		var more json.RawMessage
		if err = d.Decode(&more); err == io.EOF {
			return nil
		}
		if err == nil {
			err = errors.New("there is something behind the first value")
		}
	}
	if large := new(http.MaxBytesError); errors.As(err, &large) {
		return refusal{http.StatusRequestEntityTooLarge, "TOO_LARGE",
			"the body has more than " + strconv.FormatInt(large.Limit, 10) + " bytes"}
	}
	if err == io.EOF {
		err = errors.New("it is empty")
	}
	return senseless("the body is not what it should be: %v", err)
}

// write answers with v as JSON.
func write(w http.ResponseWriter, code int, v any) {
	text, err := json.Marshal(v)
	if err != nil {
		panic("gateway: an answer does not marshal: " + err.Error())
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Length", strconv.Itoa(len(text)+1))
	w.WriteHeader(code)
	w.Write(append(text, '\n'))
}
