package chanxuehong

import (
	"bytes"
	"strings"
	"testing"

	"github.com/chanxuehong/wechat/mp/core"
	"github.com/chanxuehong/wechat/mp/message/mass"
	"github.com/chanxuehong/wechat/mp/message/mass/mass2all"
	"github.com/chanxuehong/wechat/mp/message/mass/mass2group"
	"github.com/chanxuehong/wechat/mp/message/mass/mass2users"
	"github.com/chanxuehong/wechat/mp/message/mass/preview"

	"qunfa/compat/sandbox"
)

const tagID = sandbox.TagHundredth

// sendToEach sends what make makes to all, to a tag and to a list, and gives the first follower's entry.
func sendToEach(
	t *testing.T, make func(client *core.Client, two []string) (all, tag, list any),
	look func(t *testing.T, name string, result *mass.Result, entry sandbox.Entry),
) {
	t.Helper()
	client := connect(sandbox.Service)
	openIDs := everybody(t, client)
	all, tag, list := make(client, openIDs[:2])
	for name, send := range map[string]func() (*mass.Result, error){
		"all":  func() (*mass.Result, error) { return mass2all.Send(client, all) },
		"tag":  func() (*mass.Result, error) { return mass2group.Send(client, tag) },
		"list": func() (*mass.Result, error) { return mass2users.Send(client, list) },
	} {
		result, err := send()
		msgID := delivered(t, client, result, err)
		look(t, name, result, box.EntryOf(t, openIDs[0], msgID))
		sandbox.Equal(t, name+": the last follower has it", len(box.EntriesOf(t, openIDs[999], msgID)) == 1, name == "all")
	}
}

func TestATextIsSentToAllToATagAndToAList(t *testing.T) {
	text := sandbox.Unique("明早九点集合。\n\"带水\" \\ 带笔 <&> 🌸")
	sendToEach(t, func(_ *core.Client, two []string) (all, tag, list any) {
		return mass2all.NewText(text), mass2group.NewText(tagID, text), mass2users.NewText(two, text)
	}, func(t *testing.T, name string, result *mass.Result, entry sandbox.Entry) {
		sandbox.Equal(t, name, entry.Text, text)
		sandbox.Equal(t, "msg_data_id of a text", result.MsgDataId, 0)
	})
}

func TestAPictureIsSent(t *testing.T) {
	sendToEach(t, func(c *core.Client, two []string) (all, tag, list any) {
		return mass2all.NewImage(image(t, c)), mass2group.NewImage(tagID, image(t, c)), mass2users.NewImage(two, image(t, c))
	}, func(t *testing.T, name string, _ *mass.Result, entry sandbox.Entry) {
		sandbox.Equal(t, name, entry.Type, "image")
		if len(box.Fetch(t, entry.MediaURL)) == 0 {
			t.Errorf("%s: no picture", name)
		}
	})
}

func TestAVoiceIsSent(t *testing.T) {
	sendToEach(t, func(c *core.Client, two []string) (all, tag, list any) {
		return mass2all.NewVoice(voice(t, c)), mass2group.NewVoice(tagID, voice(t, c)), mass2users.NewVoice(two, voice(t, c))
	}, func(t *testing.T, name string, _ *mass.Result, entry sandbox.Entry) {
		sandbox.Equal(t, name, entry.Type, "voice")
		if !bytes.Equal(box.Fetch(t, entry.MediaURL), sandbox.Bytes(t, "test.amr")) {
			t.Errorf("%s: another voice", name)
		}
	})
}

func TestAVideoIsConvertedAndSent(t *testing.T) {
	title := sandbox.Unique("春天的湖")
	sendToEach(t, func(c *core.Client, two []string) (all, tag, list any) {
		return mass2all.NewVideo(video(t, c, title)), mass2group.NewVideo(tagID, video(t, c, title)),
			mass2users.NewVideo(two, video(t, c, title))
	}, func(t *testing.T, name string, _ *mass.Result, entry sandbox.Entry) {
		sandbox.Equal(t, name, entry.Title, title)
	})
}

func TestNewsAreSentAndTheirPageCanBeRead(t *testing.T) {
	title := sandbox.Unique("校园植物观察")
	sendToEach(t, func(c *core.Client, two []string) (all, tag, list any) {
		return mass2all.NewNews(news(t, c, title, "第二篇")), mass2group.NewNews(tagID, news(t, c, title, "第二篇")),
			mass2users.NewNews(two, news(t, c, title, "第二篇"))
	}, func(t *testing.T, name string, result *mass.Result, entry sandbox.Entry) {
		if result.MsgDataId == 0 {
			t.Errorf("%s: no msg_data_id", name)
		}
		sandbox.Equal(t, "articles", len(entry.Articles), 2)
		sandbox.Equal(t, "title", entry.Articles[0].Title, title)
		if !strings.Contains(string(box.Fetch(t, entry.Articles[0].URL)), "从第一朵玉兰说起") {
			t.Errorf("%s: the page lacks its text", name)
		}
	})
}

func TestACardIsSent(t *testing.T) {
	card := box.Card(t)
	sendToEach(t, func(_ *core.Client, two []string) (all, tag, list any) {
		return mass2all.NewWxCard(card, ""), mass2group.NewWxCard(tagID, card, ""),
			mass2users.NewWxCard(two, card, "")
	}, func(t *testing.T, name string, _ *mass.Result, entry sandbox.Entry) {
		sandbox.Equal(t, name, entry.Type, "wxcard")
		sandbox.Equal(t, name, entry.CardID, card)
	})
}

func TestEveryTypeCanBePreviewedByOpenIDAndByName(t *testing.T) {
	client := connect(sandbox.Service)
	openIDs := everybody(t, client)
	to, text, byName := openIDs[40], sandbox.Unique("先看一眼"), sandbox.Unique("按微信号预览")
	for _, message := range []any{
		preview.NewText(to, text), preview.NewText2("user-000000042", byName),
		preview.NewImage(to, image(t, client)), preview.NewVoice(to, voice(t, client)),
		preview.NewVideo(to, video(t, client, "预览")), preview.NewNews(to, news(t, client, sandbox.Unique("预览图文"))),
	} {
		sandbox.OK(t, preview.Send(client, message))
	}
	sandbox.Equal(t, "the follower has it", box.HasText(t, to, text), true)
	sandbox.Equal(t, "another follower has it", box.HasText(t, openIDs[41], text), false)
	sandbox.Equal(t, "the named follower has it", box.HasText(t, openIDs[42], byName), true)
}

func TestDeletedNewsLoseTheirPageAndKeepTheirCard(t *testing.T) {
	client := connect(sandbox.Service)
	openIDs := everybody(t, client)
	result, err := mass2group.Send(client, mass2group.NewNews(tagID, news(t, client, sandbox.Unique("要删除的图文"))))
	msgID := delivered(t, client, result, err)
	before := box.EntryOf(t, openIDs[0], msgID).Articles[0]

	sandbox.OK(t, mass.Delete(client, msgID))
	state, err := mass.GetStatus(client, msgID)
	sandbox.OK(t, err)
	sandbox.Equal(t, "status", state.Status, "DELETE")
	if !strings.Contains(string(box.Fetch(t, before.URL)), "该内容已被发布者删除") {
		t.Error("the page is still there")
	}
	sandbox.Equal(t, "title on the card", box.EntryOf(t, openIDs[0], msgID).Articles[0].Title, before.Title)
}
