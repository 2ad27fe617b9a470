// Sends an article to a tag, asks how it went, and receives the finish event.
//
//	go run . picture.jpg
package main

import (
	"crypto/sha1"
	"encoding/xml"
	"fmt"
	"log"
	"net"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/chanxuehong/wechat/mp/base"
	"github.com/chanxuehong/wechat/mp/core"
	"github.com/chanxuehong/wechat/mp/media"
	"github.com/chanxuehong/wechat/mp/message/mass"
	"github.com/chanxuehong/wechat/mp/message/mass/mass2group"
)

const (
	appID  = "wx0000000000000001"
	secret = "00000000000000000000000000000001"
	token  = "recipeToken"
)

// The SDK's addresses are constants: this transport makes it qunfa instead of the original.
type redirect struct{ to *url.URL }

func (r redirect) RoundTrip(request *http.Request) (*http.Response, error) {
	request = request.Clone(request.Context())
	request.URL.Scheme, request.URL.Host, request.Host = r.to.Scheme, r.to.Host, ""
	return http.DefaultTransport.RoundTrip(request)
}

func main() {
	address := "http://127.0.0.1:8080" // the sandbox; QUNFA names another one
	if other := os.Getenv("QUNFA"); other != "" {
		address = other
	}
	qunfa := &http.Client{Transport: redirect{must(url.Parse(address))}}
	client := core.NewClient(core.NewDefaultAccessTokenServer(appID, secret, qunfa), qunfa)
	finished := listen(address)

	// Token. The SDK also fetches it by itself when a call needs it, and again after 40001 and 42001.
	must(client.Token())

	// Uploads: a picture for the text, one for the cover, and the article.
	picture := must(base.UploadImage(client, os.Args[1]))
	cover := must(media.UploadThumb(client, os.Args[1])).MediaId
	news := must(media.UploadNews(client, &media.News{Articles: []media.Article{{
		Title: "玉兰开了", ThumbMediaId: cover, Digest: "比去年早五天",
		Content: `<p>东门那株白玉兰开了第一朵。</p><img src="` + picture + `"/>`,
	}}}))

	// Send to tag 100 (the SDK calls it a group), and ask until it is sent.
	sent := must(mass2group.Send(client, mass2group.NewNews(100, news.MediaId)))
	fmt.Println("sent", sent.MsgId)
	status := ""
	for status != "SEND_SUCCESS" {
		time.Sleep(100 * time.Millisecond)
		status = must(mass.GetStatus(client, sent.MsgId)).Status
	}
	fmt.Println("status", status)

	event := <-finished
	fmt.Printf("event %d %s: %d of %d\n", event.MassID, event.Status, event.SentCount, event.TotalCount)
}

// finish is the SDK's event; its own MsgId reads another element than the one that masses have.
type finish struct {
	mass.MassSendJobFinishEvent
	MassID int64 `xml:"MsgID"`
}

// listen receives events and makes its address the account's callback: with the original you type it in on the
// site, here /v1 does the same.
func listen(address string) <-chan finish {
	finished := make(chan finish, 1)
	// The SDK's server checks the URL. It panics on events with counts, so those are decoded here, in plain mode.
	sdk := core.NewServer("", appID, token, "", core.NewServeMux(), nil)
	listener := must(net.Listen("tcp", "127.0.0.1:0"))
	go http.Serve(listener, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet {
			sdk.ServeHTTP(w, r, nil)
			return
		}
		var event finish
		if !signed(r.URL.Query()) {
			http.Error(w, "the signature is wrong", http.StatusForbidden)
		} else if err := xml.NewDecoder(r.Body).Decode(&event); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
		} else if event.EventType == mass.EventTypeMassSendJobFinish {
			finished <- event
		}
	}))
	body := fmt.Sprintf(`{"callback":{"url":"http://%s/","token":"%s","mode":"plain","verify":true}}`,
		listener.Addr(), token)
	request := must(http.NewRequest("PATCH", address+"/v1/accounts/"+appID, strings.NewReader(body)))
	request.Header.Set("Authorization", "Bearer sandbox")
	if answer := must(http.DefaultClient.Do(request)); answer.StatusCode != http.StatusOK {
		log.Fatal("the callback was not saved: ", answer.Status)
	}
	return finished
}

// signed says whether a request bears the signature of the callback's token.
func signed(query url.Values) bool {
	parts := []string{token, query.Get("timestamp"), query.Get("nonce")}
	slices.Sort(parts)
	return query.Get("signature") == fmt.Sprintf("%x", sha1.Sum([]byte(strings.Join(parts, ""))))
}

func must[T any](value T, err error) T {
	if err != nil {
		log.Fatal(err)
	}
	return value
}
