// Package chanxuehong runs the mass-send flow with the unmodified github.com/chanxuehong/wechat.
package chanxuehong

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/chanxuehong/wechat/mp/base"
	"github.com/chanxuehong/wechat/mp/core"
	"github.com/chanxuehong/wechat/mp/media"
	"github.com/chanxuehong/wechat/mp/message/mass"
	"github.com/chanxuehong/wechat/mp/user"

	"qunfa/compat/sandbox"
)

var box *sandbox.Sandbox

func TestMain(m *testing.M) {
	sandbox.Run(m, func(started *sandbox.Sandbox) { box = started })
}

// redirect sends the SDK's calls, whose addresses are constants, to the sandbox.
type redirect struct{ to *url.URL }

func (r redirect) RoundTrip(request *http.Request) (*http.Response, error) {
	request = request.Clone(request.Context())
	request.URL.Scheme, request.URL.Host, request.Host = r.to.Scheme, r.to.Host, ""
	return http.DefaultTransport.RoundTrip(request)
}

// connect makes a client with a token of its own.
func connect(account sandbox.Account) *core.Client {
	base, err := url.Parse(box.Base)
	if err != nil {
		panic(err)
	}
	client := &http.Client{Transport: redirect{base}}
	return core.NewClient(core.NewDefaultAccessTokenServer(account.AppID, account.Secret, client), client)
}

// holding is a client that believes in a token until the SDK itself asks for another one.
func holding(token string) *core.Client {
	client := connect(sandbox.Service)
	client.AccessTokenServer = &stale{AccessTokenServer: client.AccessTokenServer, token: token}
	return client
}

type stale struct {
	core.AccessTokenServer
	token    string
	renewals int
}

func (s *stale) Token() (string, error) { return s.token, nil }

func (s *stale) RefreshToken(current string) (token string, err error) {
	s.renewals++
	s.token, err = s.AccessTokenServer.RefreshToken(current)
	return s.token, err
}

// everybody is all followers of the service account in their order: the first is user-000000000.
func everybody(t *testing.T, client *core.Client) (openIDs []string) {
	t.Helper()
	pages, err := user.NewUserIterator(client, "")
	sandbox.OK(t, err)
	// A page that repeats itself must fail, not hang.
	for pages.HasNext() && len(openIDs) < 3*sandbox.FollowerCount {
		page, err := pages.NextPage()
		sandbox.OK(t, err)
		openIDs = append(openIDs, page...)
	}
	sandbox.Equal(t, "total", pages.TotalCount(), sandbox.FollowerCount)
	sandbox.Equal(t, "followers", len(openIDs), sandbox.FollowerCount)
	return openIDs
}

type uploader func(*core.Client, string) (*media.MediaInfo, error)

func upload(t *testing.T, client *core.Client, method uploader, kind, name string) string {
	t.Helper()
	info, err := method(client, sandbox.Fixture(name))
	sandbox.OK(t, err)
	sandbox.Equal(t, "type", info.MediaType, kind)
	if info.MediaId == "" || info.CreatedAt == 0 {
		t.Errorf("uploaded: %+v", info)
	}
	return info.MediaId
}

func image(t *testing.T, client *core.Client) string {
	t.Helper()
	return upload(t, client, media.UploadImage, "image", "test.jpg")
}

func voice(t *testing.T, client *core.Client) string {
	t.Helper()
	return upload(t, client, media.UploadVoice, "voice", "test.amr")
}

// video uploads a video and converts it for mass sends.
func video(t *testing.T, client *core.Client, title string) string {
	t.Helper()
	raw := upload(t, client, media.UploadVideo, "video", "test.mp4")
	info, err := media.UploadVideo2(client, raw, title, "两秒钟")
	sandbox.OK(t, err)
	sandbox.Equal(t, "type", info.MediaType, "video")
	if info.MediaId == raw || info.CreatedAt == 0 {
		t.Errorf("converted: %+v", info)
	}
	return info.MediaId
}

// news uploads news with one fresh picture in the text.
func news(t *testing.T, client *core.Client, titles ...string) string {
	t.Helper()
	picture, err := base.UploadImage(client, sandbox.Fixture("test.jpg"))
	sandbox.OK(t, err)
	thumb := upload(t, client, media.UploadThumb, "thumb", "test.jpg")
	content, digest := sandbox.Article(t, picture)
	var all media.News
	for _, title := range titles {
		all.Articles = append(all.Articles, media.Article{
			ThumbMediaId: thumb, Title: title, Content: content, Digest: digest, ShowCoverPic: 1,
		})
	}
	info, err := media.UploadNews(client, &all)
	sandbox.OK(t, err)
	sandbox.Equal(t, "type", info.MediaType, "news")
	return info.MediaId
}

// delivered checks the answer to a mass send and waits until mass/get says SEND_SUCCESS.
func delivered(t *testing.T, client *core.Client, result *mass.Result, err error) int64 {
	t.Helper()
	sandbox.OK(t, err)
	sandbox.WaitFor(t, fmt.Sprintf("mass %d to be sent", result.MsgId), func() bool {
		state, err := mass.GetStatus(client, result.MsgId)
		sandbox.OK(t, err)
		sandbox.Equal(t, "msg_id", state.MsgId, result.MsgId)
		if state.Status != "SEND_SUCCESS" && state.Status != "SENDING" {
			t.Fatalf("mass %d is %s", result.MsgId, state.Status)
		}
		return state.Status == "SEND_SUCCESS"
	})
	return result.MsgId
}

// refused checks that an error is the SDK's own, with the number and the text of the document.
func refused(t *testing.T, err error, code int64, text string) {
	t.Helper()
	var refusal *core.Error
	if !errors.As(err, &refusal) {
		t.Errorf("wanted %d, found: %v", code, err)
		return
	}
	sandbox.Equal(t, "errcode", refusal.ErrCode, code)
	if !strings.HasPrefix(refusal.ErrMsg, text) {
		t.Errorf("errmsg is %q", refusal.ErrMsg)
	}
}
