package silenceper

import (
	"errors"
	"net/http"
	"testing"

	"github.com/silenceper/wechat/v2/officialaccount/broadcast"
	"github.com/silenceper/wechat/v2/officialaccount/message"

	"qunfa/compat/sandbox"
)

// receive has the SDK check the signature, decrypt, decode and answer.
func receive(w http.ResponseWriter, r *http.Request) (found *sandbox.Finished, err error) {
	server := connect(sandbox.Service).GetServer(r, w)
	server.SetMessageHandler(func(m *message.MixMessage) *message.Reply {
		if m.MsgType != message.MsgTypeEvent || m.Event != message.EventMassSendJobFinish {
			err = errors.New("another event: " + string(m.Event))
			return nil
		}
		found = &sandbox.Finished{
			MsgID: m.TemplateMsgID, // the SDK's name of MsgID
			From:  string(m.FromUserName), To: string(m.ToUserName), Status: m.Status,
			Total: m.TotalCount, Filter: m.FilterCount, Sent: m.SentCount, Errored: m.ErrorCount,
		}
		return nil
	})
	if broken := server.Serve(); broken != nil {
		return nil, broken
	}
	return found, err
}

func TestAFinishedMassIsReportedOnceWithExactCounts(t *testing.T) {
	client := connect(sandbox.Service)
	receiver := box.NewReceiver(t, receive)
	for mode, decoded := range map[string]string{"plain": "plain", "compatible": "aes", "safe": "aes"} {
		receiver.Use(t, mode)
		result, err := massAPI(client).SendText(&broadcast.User{TagID: sandbox.TagEven}, sandbox.Unique("给一半的人"))
		event := receiver.Only(t, delivered(t, client, result, err))
		sandbox.Equal(t, "event", event, sandbox.Finished{
			Mode: decoded, MsgID: result.MsgID, Status: "send success", From: "mphelper", To: "gh_0000000001",
			Total: 500, Filter: 500, Sent: 500, Errored: 0,
		})
	}
}

func TestTheBlacklistedAreCountedAndNotReached(t *testing.T) {
	client := connect(sandbox.Service)
	openIDs := everybody(t, client)
	receiver := box.NewReceiver(t, receive)
	receiver.Use(t, "safe")
	sandbox.OK(t, client.GetUser().BatchBlackList(openIDs[51]))
	defer func() { sandbox.OK(t, client.GetUser().BatchUnBlackList(openIDs[51])) }()
	result, err := massAPI(client).SendText(
		&broadcast.User{OpenID: openIDs[50:55]}, sandbox.Unique("五个人，一个在黑名单"))
	event := receiver.Only(t, delivered(t, client, result, err))
	sandbox.Equal(t, "counts", [4]int64{event.Total, event.Filter, event.Sent, event.Errored}, [4]int64{5, 4, 4, 0})
	ledger := box.Ledger(t, result.MsgID)
	sandbox.Equal(t, "ledger", ledger, sandbox.Ledger{
		State: "succeeded", TotalCount: 5, FilterCount: 4, SentCount: 4, ErrorCount: 0,
	})
	sandbox.Equal(t, "entries of the blacklisted", len(box.EntriesOf(t, openIDs[51], result.MsgID)), 0)
}
