// Package silenceper runs the mass-send flow with the unmodified github.com/silenceper/wechat/v2.
package silenceper

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	log "github.com/sirupsen/logrus"

	"github.com/silenceper/wechat/v2/cache"
	"github.com/silenceper/wechat/v2/officialaccount"
	"github.com/silenceper/wechat/v2/officialaccount/broadcast"
	"github.com/silenceper/wechat/v2/officialaccount/config"
	"github.com/silenceper/wechat/v2/officialaccount/material"
	"github.com/silenceper/wechat/v2/util"

	"qunfa/compat/sandbox"
)

var box *sandbox.Sandbox

func TestMain(m *testing.M) {
	log.SetOutput(io.Discard) // the SDK logs every message, token and all
	sandbox.Run(m, func(started *sandbox.Sandbox) {
		box = started
		// The SDK's own means to reach another host.
		util.SetURIModifier(func(uri string) string {
			return strings.Replace(uri, "https://api.weixin.qq.com", box.Base, 1)
		})
	})
}

// connect makes a client with a token cache of its own.
func connect(account sandbox.Account) *officialaccount.OfficialAccount {
	return officialaccount.NewOfficialAccount(configure(account))
}

func configure(account sandbox.Account) *config.Config {
	return &config.Config{
		AppID: account.AppID, AppSecret: account.Secret,
		Token: sandbox.Token, EncodingAESKey: sandbox.AESKey, Cache: cache.NewMemory(),
	}
}

// massAPI is a fresh Broadcast: Preview() turns one into a previewer for good.
func massAPI(account *officialaccount.OfficialAccount) *broadcast.Broadcast {
	return broadcast.NewBroadcast(account.GetContext())
}

// everybody is all followers of the service account in their order: the first is user-000000000.
func everybody(t *testing.T, account *officialaccount.OfficialAccount) []string {
	t.Helper()
	openIDs, err := account.GetUser().ListAllUserOpenIDs()
	sandbox.OK(t, err)
	sandbox.Equal(t, "followers", len(openIDs), sandbox.FollowerCount)
	return openIDs
}

func upload(t *testing.T, account *officialaccount.OfficialAccount, kind material.MediaType, name string) string {
	t.Helper()
	media, err := account.GetMaterial().MediaUpload(kind, sandbox.Fixture(name))
	sandbox.OK(t, err)
	sandbox.Equal(t, "type", media.Type, kind)
	if media.CreatedAt == 0 {
		t.Error("no created_at")
	}
	if kind == material.MediaTypeThumb {
		return media.ThumbMediaID
	}
	return media.MediaID
}

// post calls a path that the SDK has no method for, with the SDK's own function and token.
func post(
	t *testing.T, account *officialaccount.OfficialAccount, path string, body map[string]any,
) (media material.Media, err error) {
	t.Helper()
	token, err := account.GetAccessToken()
	sandbox.OK(t, err)
	data, err := util.PostJSON("https://api.weixin.qq.com/cgi-bin/"+path+"?access_token="+token, body)
	sandbox.OK(t, err)
	return media, util.DecodeWithError(data, &media, path)
}

// uploadNews uploads news with one fresh picture in the text.
func uploadNews(t *testing.T, account *officialaccount.OfficialAccount, titles ...string) string {
	t.Helper()
	picture, err := account.GetMaterial().ImageUpload(sandbox.Fixture("test.jpg"))
	sandbox.OK(t, err)
	thumb := upload(t, account, material.MediaTypeThumb, "test.jpg")
	content, digest := sandbox.Article(t, picture)
	var articles []map[string]any
	for _, title := range titles {
		articles = append(articles, map[string]any{
			"title": title, "thumb_media_id": thumb, "content": content, "digest": digest, "show_cover_pic": 1,
		})
	}
	news, err := post(t, account, "media/uploadnews", map[string]any{"articles": articles})
	sandbox.OK(t, err)
	sandbox.Equal(t, "type", string(news.Type), "news")
	return news.MediaID
}

// uploadVideo uploads a video and converts it for mass sends.
func uploadVideo(t *testing.T, account *officialaccount.OfficialAccount, title string) string {
	t.Helper()
	raw := upload(t, account, material.MediaTypeVideo, "test.mp4")
	video, err := post(t, account, "media/uploadvideo",
		map[string]any{"media_id": raw, "title": title, "description": "两秒钟"})
	sandbox.OK(t, err)
	if video.MediaID == raw || video.MediaID == "" {
		t.Errorf("the video for masses is %q", video.MediaID)
	}
	return video.MediaID
}

// delivered checks the answer to a mass send and waits until mass/get says SEND_SUCCESS.
func delivered(t *testing.T, account *officialaccount.OfficialAccount, result *broadcast.Result, err error) int64 {
	t.Helper()
	sandbox.OK(t, err)
	sandbox.Equal(t, "errmsg", result.ErrMsg, "send job submission success")
	sandbox.WaitFor(t, fmt.Sprintf("mass %d to be sent", result.MsgID), func() bool {
		// The SDK sends the id as a string and wants a number back.
		state, err := massAPI(account).GetMassStatus(fmt.Sprint(result.MsgID))
		sandbox.OK(t, err)
		sandbox.Equal(t, "msg_id", state.MsgID, result.MsgID)
		if state.MsgStatus != "SEND_SUCCESS" && state.MsgStatus != "SENDING" {
			t.Fatalf("mass %d is %s", result.MsgID, state.MsgStatus)
		}
		return state.MsgStatus == "SEND_SUCCESS"
	})
	return result.MsgID
}

// refused checks that an error is the SDK's own, with the number and the text of the document.
func refused(t *testing.T, err error, code int64, text string) {
	t.Helper()
	var refusal *util.CommonError
	if errors.As(err, &refusal) {
		sandbox.Equal(t, "errcode", refusal.ErrCode, code)
		if !strings.HasPrefix(refusal.ErrMsg, text) {
			t.Errorf("errmsg is %q", refusal.ErrMsg)
		}
		return
	}
	// Some methods print the number and the text into a plain error.
	if err == nil || !strings.Contains(err.Error(), fmt.Sprintf("errcode=%d", code)) ||
		!strings.Contains(err.Error(), "="+text) {
		t.Errorf("wanted %d %s, found: %v", code, text, err)
	}
}
