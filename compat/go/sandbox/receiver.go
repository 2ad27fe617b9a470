package sandbox

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
)

// Token and AESKey are the callback's, in every test.
const (
	Token  = "compatToken"
	AESKey = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"
)

// afterAllTries is longer, in seconds, than all tries of one event together (0, 5 and 10 s).
const afterAllTries = 60

// Finished is a MASSSENDJOBFINISH event, as an SDK decoded it.
type Finished struct {
	Mode                         string
	MsgID                        int64
	Status                       string
	From, To                     string
	Total, Filter, Sent, Errored int64
}

// Receiver is a developer's callback server whose handler is the SDK's own.
type Receiver struct {
	box    *Sandbox
	server *httptest.Server

	mutex    sync.Mutex
	events   []Finished
	failures []string
}

// NewReceiver starts a callback server for one test; answer has the SDK check, decode and answer a request.
// What it cannot accept it answers with 403, and that fails the test.
func (s *Sandbox) NewReceiver(
	t *testing.T, answer func(http.ResponseWriter, *http.Request) (*Finished, error),
) *Receiver {
	t.Helper()
	receiver := &Receiver{box: s}
	handler := func(w http.ResponseWriter, r *http.Request) {
		event, err := answer(w, r)
		receiver.mutex.Lock()
		defer receiver.mutex.Unlock()
		if err != nil {
			receiver.failures = append(receiver.failures, fmt.Sprintf("%s %s: %v", r.Method, r.URL, err))
			w.WriteHeader(http.StatusForbidden)
		} else if event != nil {
			event.Mode = "plain"
			if r.URL.Query().Get("encrypt_type") == "aes" {
				event.Mode = "aes"
			}
			receiver.events = append(receiver.events, *event)
		}
	}
	receiver.server = httptest.NewServer(http.HandlerFunc(handler))
	t.Cleanup(func() {
		s.Native(t, "PATCH", "/v1/accounts/"+Service.AppID, map[string]any{"callback": nil}, nil)
		receiver.server.Close()
		for _, failure := range receiver.failures {
			t.Error(failure)
		}
	})
	return receiver
}

// Use makes this receiver the service account's callback; the server checks the URL before it saves it.
func (r *Receiver) Use(t *testing.T, mode string) {
	t.Helper()
	r.box.Native(t, "PATCH", "/v1/accounts/"+Service.AppID, map[string]any{"callback": map[string]any{
		"url": r.server.URL + "/callback?channel=compat", "token": Token, "aes_key": AESKey,
		"mode": mode, "verify": true,
	}}, nil)
}

// Only is the event of a mass, after every possible repetition had its time.
func (r *Receiver) Only(t *testing.T, msgID int64) Finished {
	t.Helper()
	WaitFor(t, fmt.Sprintf("the event of mass %d", msgID), func() bool { return len(r.of(msgID)) > 0 })
	r.box.Advance(t, afterAllTries)
	found := r.of(msgID)
	if len(found) != 1 {
		t.Fatalf("%d events of mass %d", len(found), msgID)
	}
	return found[0]
}

func (r *Receiver) of(msgID int64) (found []Finished) {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	for _, event := range r.events {
		if event.MsgID == msgID {
			found = append(found, event)
		}
	}
	return found
}
