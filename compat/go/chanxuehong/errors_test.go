package chanxuehong

import (
	"strings"
	"testing"

	"github.com/chanxuehong/wechat/mp/message/mass"
	"github.com/chanxuehong/wechat/mp/message/mass/mass2all"
	"github.com/chanxuehong/wechat/mp/message/mass/mass2group"
	"github.com/chanxuehong/wechat/mp/message/mass/mass2users"
	"github.com/chanxuehong/wechat/mp/message/mass/preview"
	"github.com/chanxuehong/wechat/mp/user"

	"qunfa/compat/sandbox"
)

func TestARefusalKeepsItsNumberAndText(t *testing.T) {
	client := connect(sandbox.Service)
	openIDs := everybody(t, client)
	_, err := mass2group.Send(client, mass2group.NewImage(tagID, "no-such-id"))
	refused(t, err, 40007, "invalid media_id")
	_, err = mass2all.Send(client, mass2all.NewNews("no-such-id"))
	refused(t, err, 40007, "invalid media_id")
	_, err = mass2users.Send(client, mass2users.NewText(openIDs[:1], "一个人不成群"))
	refused(t, err, 40130, "invalid openid list size")
	_, err = mass2group.Send(client, mass2group.NewText(sandbox.TagNobodyHas, "没有这个标签"))
	refused(t, err, 40152, "invalid group id")
	_, err = mass2group.Send(client, mass2group.NewText(tagID, ""))
	refused(t, err, 44004, "empty content")
	_, err = mass2group.Send(client, mass2group.NewText(tagID, strings.Repeat("长", 683)))
	refused(t, err, 45002, "content size out of limit")
	refused(t, preview.Send(client, preview.NewText("o"+strings.Repeat("x", 27), "谁？")), 40003, "invalid openid")
	refused(t, preview.Send(client, preview.NewText2("no-such-name", "谁？")), 40132, "invalid username")
	refused(t, mass.Delete(client, 999), 40059, "invalid msg id")
	_, err = mass.GetStatus(client, 999)
	refused(t, err, 40059, "invalid msg id")
}

func TestTheSameTextToTheSameAudienceIsSentOnce(t *testing.T) {
	client, text := connect(sandbox.Service), sandbox.Unique("只发一次")
	result, err := mass2group.Send(client, mass2group.NewText(tagID, text))
	delivered(t, client, result, err)
	_, err = mass2group.Send(client, mass2group.NewText(tagID, text))
	refused(t, err, 45065, "clientmsgid exist")
}

func TestATextCannotBeDeleted(t *testing.T) {
	client := connect(sandbox.Service)
	result, err := mass2group.Send(client, mass2group.NewText(tagID, sandbox.Unique("收不回来")))
	refused(t, mass.Delete(client, delivered(t, client, result, err)), 40008, "invalid message type")
}

func TestAccountsWithoutTheRightAreRefused(t *testing.T) {
	_, err := mass2all.Send(connect(sandbox.Unverified), mass2all.NewText("未认证"))
	refused(t, err, 48001, "api unauthorized")
	subscription := connect(sandbox.Subscription)
	page, err := user.List(subscription, "")
	sandbox.OK(t, err)
	_, err = mass2users.Send(subscription, mass2users.NewText(page.Data.OpenIdList[:2], "订阅号不可用"))
	refused(t, err, 48001, "api unauthorized")
}

func TestASubscriptionAccountSendsOnceADay(t *testing.T) {
	client := connect(sandbox.Subscription)
	_, err := mass2all.Send(client, mass2all.NewText(sandbox.Unique("今天的一封")))
	sandbox.OK(t, err)
	_, err = mass2all.Send(client, mass2all.NewText(sandbox.Unique("今天的第二封")))
	refused(t, err, 45028, "has no masssend quota")
}

func TestADailyLimitKeepsItsCode(t *testing.T) {
	box.WithQuota(t, sandbox.Service, "calls_per_day", 0)
	_, err := mass2all.Send(connect(sandbox.Service), mass2all.NewText(sandbox.Unique("今天的次数用完了")))
	refused(t, err, 45009, "")
}
