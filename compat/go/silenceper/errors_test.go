package silenceper

import (
	"strings"
	"testing"

	"github.com/silenceper/wechat/v2/officialaccount/broadcast"

	"qunfa/compat/sandbox"
)

func TestARefusalKeepsItsNumberAndText(t *testing.T) {
	client := connect(sandbox.Service)
	openIDs := everybody(t, client)
	tag, api := &broadcast.User{TagID: sandbox.TagHundredth}, massAPI(client)
	for _, one := range []struct {
		code int64
		text string
		call func() (*broadcast.Result, error)
	}{
		{40007, "invalid media_id", func() (*broadcast.Result, error) { return api.SendVoice(tag, "no-such-id") }},
		{40007, "invalid media_id", func() (*broadcast.Result, error) { return api.SendNews(nil, "no-such-id", false) }},
		{40059, "invalid msg id", func() (*broadcast.Result, error) { return api.GetMassStatus("999") }},
		{40130, "invalid openid list size", func() (*broadcast.Result, error) {
			return api.SendText(&broadcast.User{OpenID: openIDs[:1]}, "一个人不成群")
		}},
		{40152, "invalid group id", func() (*broadcast.Result, error) {
			return api.SendText(&broadcast.User{TagID: sandbox.TagNobodyHas}, "没有这个标签")
		}},
		{40003, "invalid openid", func() (*broadcast.Result, error) {
			return massAPI(client).Preview().SendText(&broadcast.User{OpenID: []string{"o" + strings.Repeat("x", 27)}}, "谁？")
		}},
		{44004, "empty content", func() (*broadcast.Result, error) { return api.SendText(tag, "") }},
		{45002, "content size out of limit", func() (*broadcast.Result, error) {
			return api.SendText(tag, strings.Repeat("长", 683))
		}},
	} {
		_, err := one.call()
		refused(t, err, one.code, one.text)
	}
	refused(t, api.Delete(999, 0), 40059, "invalid msg id")
}

func TestTheSameTextToTheSameAudienceIsSentOnce(t *testing.T) {
	client := connect(sandbox.Service)
	tag, text := &broadcast.User{TagID: sandbox.TagHundredth}, sandbox.Unique("只发一次")
	result, err := massAPI(client).SendText(tag, text)
	msgID := delivered(t, client, result, err)
	again, err := massAPI(client).SendText(tag, text)
	refused(t, err, 45065, "clientmsgid exist")
	sandbox.Equal(t, "the first msg_id beside the error", again.MsgID, msgID)
}

func TestATextCannotBeDeleted(t *testing.T) {
	client := connect(sandbox.Service)
	result, err := massAPI(client).SendText(&broadcast.User{TagID: sandbox.TagHundredth}, sandbox.Unique("收不回来"))
	refused(t, massAPI(client).Delete(delivered(t, client, result, err), 0), 40008, "invalid message type")
}

func TestAccountsWithoutTheRightAreRefused(t *testing.T) {
	_, err := massAPI(connect(sandbox.Unverified)).SendText(nil, "未认证")
	refused(t, err, 48001, "api unauthorized")
	subscription := connect(sandbox.Subscription)
	openIDs, err := subscription.GetUser().ListAllUserOpenIDs()
	sandbox.OK(t, err)
	_, err = massAPI(subscription).SendText(&broadcast.User{OpenID: openIDs[:2]}, "订阅号不可用")
	refused(t, err, 48001, "api unauthorized")
}

func TestASubscriptionAccountSendsOnceADay(t *testing.T) {
	client := connect(sandbox.Subscription)
	_, err := massAPI(client).SendText(nil, sandbox.Unique("今天的一封"))
	sandbox.OK(t, err)
	_, err = massAPI(client).SendText(nil, sandbox.Unique("今天的第二封"))
	refused(t, err, 45028, "has no masssend quota")
}

func TestADailyLimitKeepsItsCode(t *testing.T) {
	box.WithQuota(t, sandbox.Service, "calls_per_day", 0)
	_, err := massAPI(connect(sandbox.Service)).SendText(nil, sandbox.Unique("今天的次数用完了"))
	refused(t, err, 45009, "")
}
