package chanxuehong

import (
	"strings"
	"testing"

	"github.com/chanxuehong/wechat/mp/media"
	"github.com/chanxuehong/wechat/mp/message/mass/mass2group"
	"github.com/chanxuehong/wechat/mp/user/tag"

	"qunfa/compat/sandbox"
)

func TestATokenIsFetchedOnceAndKept(t *testing.T) {
	client := connect(sandbox.Service)
	first, err := client.Token()
	sandbox.OK(t, err)
	_, err = tag.List(client)
	sandbox.OK(t, err)
	second, err := client.Token()
	sandbox.OK(t, err)
	sandbox.Equal(t, "token", second, first)
}

func TestAWrongSecretAndAWrongAppidKeepTheirCodes(t *testing.T) {
	_, err := connect(sandbox.Account{AppID: sandbox.Service.AppID, Secret: strings.Repeat("f", 32)}).Token()
	refused(t, err, 40125, "invalid appsecret")
	_, err = connect(sandbox.Account{AppID: "wx9999999999999999", Secret: "f"}).Token()
	refused(t, err, 40013, "invalid appid")
}

func TestAnUnknownTokenIsReplacedByTheSDKItself(t *testing.T) {
	code, _ := box.RawError(t, "garbage")
	sandbox.Equal(t, "errcode", code, 40001)

	client := holding("garbage")
	tags, err := tag.List(client)
	sandbox.OK(t, err)
	if len(tags) < 3 {
		t.Errorf("%d tags", len(tags))
	}
	sandbox.Equal(t, "renewals", client.AccessTokenServer.(*stale).renewals, 1)
}

func TestARepeatedPostArrivesWhole(t *testing.T) {
	client := holding("garbage")
	result, err := mass2group.Send(client, mass2group.NewText(sandbox.TagHundredth, sandbox.Unique("第二次才到")))
	delivered(t, client, result, err)
}

func TestARepeatedUploadArrivesWhole(t *testing.T) {
	if upload(t, holding("garbage"), media.UploadImage, "image", "test.jpg") == "" {
		t.Error("no media_id")
	}
}

func TestAnExpiredTokenIsReplacedByTheSDKItself(t *testing.T) {
	old, err := connect(sandbox.Service).Token()
	sandbox.OK(t, err)
	box.Advance(t, 3*3600)
	code, text := box.RawError(t, old)
	sandbox.Equal(t, "errcode", code, 42001)
	if !strings.Contains(text, "access_token expired") {
		t.Errorf("errmsg is %q", text)
	}

	client := holding(old)
	_, err = tag.List(client)
	sandbox.OK(t, err)
	sandbox.Equal(t, "renewals", client.AccessTokenServer.(*stale).renewals, 1)
}

func TestASupersededTokenLivesOnForOtherProcesses(t *testing.T) {
	old, err := connect(sandbox.Service).Token()
	sandbox.OK(t, err)
	fresh, err := connect(sandbox.Service).Token()
	sandbox.OK(t, err)
	if fresh == old {
		t.Error("the second process got the first one's token")
	}
	client := holding(old)
	_, err = tag.List(client)
	sandbox.OK(t, err)
	sandbox.Equal(t, "renewals", client.AccessTokenServer.(*stale).renewals, 0)
}
