package chanxuehong

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/chanxuehong/wechat/mp/core"
	"github.com/chanxuehong/wechat/mp/message/mass"
	"github.com/chanxuehong/wechat/mp/message/mass/mass2group"
	"github.com/chanxuehong/wechat/mp/message/mass/mass2users"

	"qunfa/compat/sandbox"
)

// originalID is the service account's; the SDK refuses events to any other one.
const originalID = "gh_0000000001"

// errorHandler keeps what the SDK's server does not accept.
type errorHandler struct{ err error }

func (h *errorHandler) ServeError(_ http.ResponseWriter, _ *http.Request, err error) { h.err = err }

// serve has the SDK check the signature, decrypt, decode and answer; a panic of the SDK is an error.
func serve(w http.ResponseWriter, r *http.Request) (err error) {
	defer func() {
		if panicked := recover(); panicked != nil {
			err = fmt.Errorf("%v", panicked)
		}
	}()
	var failed errorHandler
	core.NewServer(originalID, sandbox.Service.AppID, sandbox.Token, sandbox.AESKey, core.NewServeMux(), &failed).
		ServeHTTP(w, r, nil)
	return failed.err
}

// receive checks the URL with the SDK's server. The events themselves this SDK cannot
// decode when it is built with Go 1.10 or later: core.MixedMsg embeds pointers to unexported structs, and
// encoding/xml panics on them (chanxuehong/wechat issue 275). It gets that far only after its signature check
// and decryption agreed, so reaching the panic proves those; the counts go into the SDK's event type here.
func receive(w http.ResponseWriter, r *http.Request) (*sandbox.Finished, error) {
	if r.Method == http.MethodGet {
		return nil, serve(w, r)
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	if err := serve(w, r); err == nil || !strings.Contains(err.Error(), "unexported field") {
		return nil, fmt.Errorf("the SDK decodes events now, or fails in another way: %v", err)
	}
	if r.URL.Query().Get("encrypt_type") == "aes" && !bytes.Contains(body, []byte("<TotalCount>")) {
		return nil, errors.New("nobody can read a safe event with this SDK")
	}
	event := struct {
		mass.MassSendJobFinishEvent
		MassID int64 `xml:"MsgID"` // the SDK's field reads MsgId
	}{}
	if err := xml.Unmarshal(body, &event); err != nil {
		return nil, err
	}
	if event.EventType != mass.EventTypeMassSendJobFinish {
		return nil, errors.New("another event: " + string(event.EventType))
	}
	return &sandbox.Finished{
		MsgID: event.MassID, From: event.FromUserName, To: event.ToUserName, Status: event.Status,
		Total: int64(event.TotalCount), Filter: int64(event.FilterCount),
		Sent: int64(event.SentCount), Errored: int64(event.ErrorCount),
	}, nil
}

// In the mode "compatible" the SDK decrypts, and the text in clear beside it can be read.
func TestAFinishedMassIsReportedOnceWithExactCounts(t *testing.T) {
	client := connect(sandbox.Service)
	receiver := box.NewReceiver(t, receive)
	for mode, decoded := range map[string]string{"plain": "plain", "compatible": "aes"} {
		receiver.Use(t, mode)
		result, err := mass2group.Send(client, mass2group.NewText(sandbox.TagEven, sandbox.Unique("给一半的人")))
		event := receiver.Only(t, delivered(t, client, result, err))
		sandbox.Equal(t, "event", event, sandbox.Finished{
			Mode: decoded, MsgID: result.MsgId, Status: "send success", From: "mphelper", To: originalID,
			Total: 500, Filter: 500, Sent: 500, Errored: 0,
		})
	}
}

func TestAListWithOneWhoIsNoFollowerIsCounted(t *testing.T) {
	client := connect(sandbox.Service)
	openIDs := everybody(t, client)
	receiver := box.NewReceiver(t, receive)
	receiver.Use(t, "plain")
	list := append([]string{"oxxxxxxxxxxxxxxxxxxxxxxxxxxx"}, openIDs[60:63]...)
	result, err := mass2users.Send(client, mass2users.NewText(list, sandbox.Unique("四个人，一个不认识")))
	event := receiver.Only(t, delivered(t, client, result, err))
	sandbox.Equal(t, "counts", [4]int64{event.Total, event.Filter, event.Sent, event.Errored}, [4]int64{4, 3, 3, 0})
	sandbox.Equal(t, "ledger", box.Ledger(t, result.MsgId), sandbox.Ledger{
		State: "succeeded", TotalCount: 4, FilterCount: 3, SentCount: 3, ErrorCount: 0,
	})
}
