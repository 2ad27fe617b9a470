// Sends an article to a tag, asks how it went, and receives the finish event.
//
//	go run . picture.jpg
package main

import (
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/sirupsen/logrus"

	"github.com/silenceper/wechat/v2/cache"
	"github.com/silenceper/wechat/v2/officialaccount"
	"github.com/silenceper/wechat/v2/officialaccount/broadcast"
	"github.com/silenceper/wechat/v2/officialaccount/config"
	"github.com/silenceper/wechat/v2/officialaccount/material"
	"github.com/silenceper/wechat/v2/officialaccount/message"
	"github.com/silenceper/wechat/v2/util"
)

const (
	appID  = "wx0000000000000001"
	secret = "00000000000000000000000000000001"
	token  = "recipeToken"
	aesKey = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"
)

func main() {
	base := "http://127.0.0.1:8080" // the sandbox; QUNFA names another one
	if other := os.Getenv("QUNFA"); other != "" {
		base = other
	}
	// The one line that makes it qunfa instead of the original.
	util.SetURIModifier(func(u string) string { return strings.Replace(u, "https://api.weixin.qq.com", base, 1) })
	logrus.SetOutput(io.Discard) // the SDK logs every message

	account := officialaccount.NewOfficialAccount(&config.Config{
		AppID: appID, AppSecret: secret, Token: token, EncodingAESKey: aesKey, Cache: cache.NewMemory(),
	})
	finished := listen(account, base)

	// Token. The SDK also fetches it by itself when a call needs it.
	accessToken := must(account.GetAccessToken())

	// Uploads: a picture for the text, one for the cover, and the article; uploadnews has no method in the SDK.
	materials := account.GetMaterial()
	picture := must(materials.ImageUpload(os.Args[1]))
	cover := must(materials.MediaUpload(material.MediaTypeThumb, os.Args[1])).ThumbMediaID
	answer := must(util.PostJSON("https://api.weixin.qq.com/cgi-bin/media/uploadnews?access_token="+accessToken,
		map[string]any{"articles": []map[string]any{{
			"title": "玉兰开了", "thumb_media_id": cover, "digest": "比去年早五天",
			"content": `<p>东门那株白玉兰开了第一朵。</p><img src="` + picture + `"/>`,
		}}}))
	var news material.Media
	check(util.DecodeWithError(answer, &news, "uploadnews"))

	// Send to tag 100, and ask until it is sent.
	sent := must(account.GetBroadcast().SendNews(&broadcast.User{TagID: 100}, news.MediaID, false))
	fmt.Println("sent", sent.MsgID)
	status := ""
	for status != "SEND_SUCCESS" {
		time.Sleep(100 * time.Millisecond)
		status = must(account.GetBroadcast().GetMassStatus(fmt.Sprint(sent.MsgID))).MsgStatus
	}
	fmt.Println("status", status)

	event := <-finished
	fmt.Printf("event %d %s: %d of %d\n", event.TemplateMsgID, event.Status, event.SentCount, event.TotalCount)
}

// listen receives events and makes its address the account's callback: with the original you type it in on the
// site, here /v1 does the same.
func listen(account *officialaccount.OfficialAccount, base string) <-chan *message.MixMessage {
	finished := make(chan *message.MixMessage, 1)
	listener := must(net.Listen("tcp", "127.0.0.1:0"))
	go http.Serve(listener, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		server := account.GetServer(r, w) // checks the signature, decrypts, decodes
		server.SetMessageHandler(func(m *message.MixMessage) *message.Reply {
			if m.Event == message.EventMassSendJobFinish {
				finished <- m
			}
			return nil
		})
		if err := server.Serve(); err != nil {
			http.Error(w, err.Error(), http.StatusForbidden)
		}
	}))
	body := fmt.Sprintf(`{"callback":{"url":"http://%s/","token":"%s","aes_key":"%s","mode":"safe","verify":true}}`,
		listener.Addr(), token, aesKey)
	request := must(http.NewRequest("PATCH", base+"/v1/accounts/"+appID, strings.NewReader(body)))
	request.Header.Set("Authorization", "Bearer sandbox")
	if answer := must(http.DefaultClient.Do(request)); answer.StatusCode != http.StatusOK {
		log.Fatal("the callback was not saved: ", answer.Status)
	}
	return finished
}

func must[T any](value T, err error) T {
	check(err)
	return value
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
