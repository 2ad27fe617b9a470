package silenceper

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/silenceper/wechat/v2/officialaccount/broadcast"
	"github.com/silenceper/wechat/v2/officialaccount/material"

	"qunfa/compat/sandbox"
)

// audiences are all three ways to name receivers; each holds the first follower.
func audiences(openIDs []string) map[string]*broadcast.User {
	return map[string]*broadcast.User{
		"all":  nil,
		"tag":  {TagID: sandbox.TagHundredth},
		"list": {OpenID: openIDs[:2]},
	}
}

func TestATextIsSentToAllToATagAndToAList(t *testing.T) {
	client := connect(sandbox.Service)
	openIDs := everybody(t, client)
	for name, audience := range audiences(openIDs) {
		text := sandbox.Unique("明早九点集合。\n\"带水\" \\ 带笔 <&> 🌸")
		result, err := massAPI(client).SendText(audience, text)
		msgID := delivered(t, client, result, err)
		sandbox.Equal(t, name, box.EntryOf(t, openIDs[0], msgID).Text, text)
		sandbox.Equal(t, name+": the last follower has it", len(box.EntriesOf(t, openIDs[999], msgID)) == 1, name == "all")
		sandbox.Equal(t, "msg_data_id of a text", result.MsgDataID, 0)
	}
}

func TestAVoiceIsSent(t *testing.T) {
	client := connect(sandbox.Service)
	openIDs := everybody(t, client)
	for name, audience := range audiences(openIDs) {
		result, err := massAPI(client).SendVoice(audience, upload(t, client, material.MediaTypeVoice, "test.amr"))
		entry := box.EntryOf(t, openIDs[0], delivered(t, client, result, err))
		sandbox.Equal(t, name, entry.Type, "voice")
		if !bytes.Equal(box.Fetch(t, entry.MediaURL), sandbox.Bytes(t, "test.amr")) {
			t.Errorf("%s: another voice", name)
		}
	}
}

func TestAVideoIsConvertedAndSent(t *testing.T) {
	client := connect(sandbox.Service)
	openIDs := everybody(t, client)
	for name, audience := range audiences(openIDs) {
		title := sandbox.Unique("春天的湖")
		result, err := massAPI(client).SendVideo(audience, uploadVideo(t, client, title), title, "两秒钟")
		entry := box.EntryOf(t, openIDs[0], delivered(t, client, result, err))
		sandbox.Equal(t, name, entry.Title, title)
	}
}

func TestNewsAreSentAndTheirPageCanBeRead(t *testing.T) {
	client := connect(sandbox.Service)
	openIDs := everybody(t, client)
	for name, audience := range audiences(openIDs) {
		title := sandbox.Unique("校园植物观察")
		media := uploadNews(t, client, title, sandbox.Unique("第二篇"))
		result, err := massAPI(client).SendNews(audience, media, name == "tag")
		msgID := delivered(t, client, result, err)
		if result.MsgDataID == 0 {
			t.Errorf("%s: no msg_data_id", name)
		}
		entry := box.EntryOf(t, openIDs[0], msgID)
		sandbox.Equal(t, "articles", len(entry.Articles), 2)
		sandbox.Equal(t, "title", entry.Articles[0].Title, title)
		page := string(box.Fetch(t, entry.Articles[0].URL))
		if !strings.Contains(page, title) || !strings.Contains(page, "从第一朵玉兰说起") {
			t.Errorf("%s: the page lacks its text", name)
		}
	}
}

// The SDK sends even one picture as images.media_ids.
func TestPicturesAreSent(t *testing.T) {
	box.Needs(t, "pictures")
	client := connect(sandbox.Service)
	openIDs := everybody(t, client)
	for name, audience := range audiences(openIDs) {
		ids := []string{
			upload(t, client, material.MediaTypeImage, "test.jpg"), upload(t, client, material.MediaTypeImage, "test.png"),
		}
		for _, pictures := range [][]string{ids[:1], ids} {
			result, err := massAPI(client).SendImage(audience,
				&broadcast.Image{MediaIDs: pictures, Recommend: sandbox.Unique("看图")})
			entry := box.EntryOf(t, openIDs[0], delivered(t, client, result, err))
			sandbox.Equal(t, name, entry.Type, "image")
			sandbox.Equal(t, "pictures", len(entry.MediaURLs), len(pictures))
			box.Fetch(t, entry.MediaURL)
		}
	}
}

func TestACardIsSent(t *testing.T) {
	client := connect(sandbox.Service)
	card, openIDs := box.Card(t), everybody(t, client)
	for name, audience := range audiences(openIDs) {
		result, err := massAPI(client).SendWxCard(audience, card)
		entry := box.EntryOf(t, openIDs[0], delivered(t, client, result, err))
		sandbox.Equal(t, name, entry.Type, "wxcard")
		sandbox.Equal(t, name, entry.CardID, card)
	}
}

func TestEveryTypeCanBePreviewedAndIsNoMass(t *testing.T) {
	client := connect(sandbox.Service)
	openIDs := everybody(t, client)
	one, api := &broadcast.User{OpenID: openIDs[40:41]}, massAPI(client).Preview()
	text := sandbox.Unique("先看一眼")
	preview, err := api.SendText(one, text)
	sandbox.OK(t, err)
	sandbox.Equal(t, "errmsg", preview.ErrMsg, "preview success")
	_, err = api.SendImage(one,
		&broadcast.Image{MediaIDs: []string{upload(t, client, material.MediaTypeImage, "test.jpg")}})
	sandbox.OK(t, err)
	_, err = api.SendVoice(one, upload(t, client, material.MediaTypeVoice, "test.amr"))
	sandbox.OK(t, err)
	_, err = api.SendVideo(one, uploadVideo(t, client, "预览"), "预览", "")
	sandbox.OK(t, err)
	_, err = api.SendNews(one, uploadNews(t, client, sandbox.Unique("预览图文")), false)
	sandbox.OK(t, err)

	sandbox.Equal(t, "the follower has it", box.HasText(t, openIDs[40], text), true)
	sandbox.Equal(t, "another follower has it", box.HasText(t, openIDs[41], text), false)
	_, err = massAPI(client).GetMassStatus(fmt.Sprint(preview.MsgID))
	refused(t, err, 40059, "invalid msg id")
}

func TestDeletedNewsLoseTheirPageAndKeepTheirCard(t *testing.T) {
	client := connect(sandbox.Service)
	openIDs := everybody(t, client)
	media := uploadNews(t, client, sandbox.Unique("要删除的图文"), sandbox.Unique("留下的图文"))
	result, err := massAPI(client).SendNews(&broadcast.User{TagID: sandbox.TagHundredth}, media, false)
	msgID := delivered(t, client, result, err)
	articles := box.EntryOf(t, openIDs[0], msgID).Articles

	sandbox.OK(t, massAPI(client).Delete(msgID, 1))
	const deleted = "该内容已被发布者删除"
	sandbox.Equal(t, "the first is deleted", strings.Contains(string(box.Fetch(t, articles[0].URL)), deleted), true)
	sandbox.Equal(t, "the second is deleted", strings.Contains(string(box.Fetch(t, articles[1].URL)), deleted), false)

	// The SDK cannot leave article_idx out: 0 means the whole message.
	sandbox.OK(t, massAPI(client).Delete(msgID, 0))
	sandbox.Equal(t, "the second is deleted", strings.Contains(string(box.Fetch(t, articles[1].URL)), deleted), true)
	state, err := massAPI(client).GetMassStatus(fmt.Sprint(msgID))
	sandbox.OK(t, err)
	sandbox.Equal(t, "status", state.MsgStatus, "DELETE")
	sandbox.Equal(t, "title on the card", box.EntryOf(t, openIDs[0], msgID).Articles[0].Title, articles[0].Title)
}

func TestTheSpeedIsSetAndRead(t *testing.T) {
	api := massAPI(connect(sandbox.Service))
	for level := range 5 {
		_, err := api.SetSpeed(level)
		sandbox.OK(t, err)
		speed, err := api.GetSpeed()
		sandbox.OK(t, err)
		sandbox.Equal(t, "speed", speed.Speed, int64(level))
		if speed.RealSpeed <= 0 {
			t.Errorf("realspeed is %d", speed.RealSpeed)
		}
	}
	_, err := api.SetSpeed(0)
	sandbox.OK(t, err)
	_, err = api.SetSpeed(9)
	refused(t, err, 45083, "")
}
