// Package powerwechat replays what ArtisanCloud/PowerWeChat v3 puts on the wire, and decodes the answers into
// fields of its types. It is no run of the SDK: its module could not be had where this suite was made. What is
// replayed was read from its source, and only what no SDK of the other packages does.
package powerwechat

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/url"
	"testing"

	"qunfa/compat/sandbox"
)

var box *sandbox.Sandbox

func TestMain(m *testing.M) {
	sandbox.Run(m, func(started *sandbox.Sandbox) { box = started })
}

// answer has the SDK's fields; ids are int there.
type answer struct {
	ErrCode     int    `json:"errcode"`
	ErrMsg      string `json:"errmsg"`
	AccessToken string `json:"access_token"`
	MediaID     string `json:"media_id"`
	MsgID       int    `json:"msg_id"`
	MsgDataID   int    `json:"msg_data_id"`
	MsgStatus   string `json:"msg_status"`
}

func call(t *testing.T, method, path, contentType string, body []byte) []byte {
	t.Helper()
	request, err := http.NewRequest(method, box.Base+"/cgi-bin/"+path, bytes.NewReader(body))
	sandbox.OK(t, err)
	request.Header.Set("Content-Type", contentType)
	response, err := http.DefaultClient.Do(request)
	sandbox.OK(t, err)
	defer response.Body.Close()
	sandbox.Equal(t, "status", response.StatusCode, http.StatusOK)
	content, err := io.ReadAll(response.Body)
	sandbox.OK(t, err)
	return content
}

func decode(t *testing.T, content []byte) (found answer) {
	t.Helper()
	sandbox.OK(t, json.Unmarshal(content, &found))
	return found
}

func token(t *testing.T) string {
	t.Helper()
	query := url.Values{
		"appid": {sandbox.Service.AppID}, "secret": {sandbox.Service.Secret}, "grant_type": {"client_credential"},
	}
	found := decode(t, call(t, "GET", "token?"+query.Encode(), "application/json", nil)).AccessToken
	if found == "" {
		t.Fatal("no token")
	}
	return "access_token=" + found
}

func post(t *testing.T, path, token string, body map[string]any) answer {
	t.Helper()
	content, err := json.Marshal(body)
	sandbox.OK(t, err)
	return decode(t, call(t, "POST", path+"?"+token, "application/json", content))
}

func TestStatusAndDeletionTakeTheIDAsAString(t *testing.T) {
	token := token(t)
	sent := post(t, "message/mass/sendall", token, map[string]any{
		"filter": map[string]any{"is_to_all": false, "tag_id": sandbox.TagHundredth},
		"text":   map[string]any{"content": sandbox.Unique("编号写成字符串")}, "msgtype": "text",
	})
	sandbox.Equal(t, "errmsg", sent.ErrMsg, "send job submission success")
	id := fmt.Sprint(sent.MsgID)
	sandbox.WaitFor(t, "the mass to be sent", func() bool {
		state := post(t, "message/mass/get", token, map[string]any{"msg_id": id})
		sandbox.Equal(t, "msg_id", state.MsgID, sent.MsgID)
		return state.MsgStatus == "SEND_SUCCESS"
	})
	deleted := post(t, "message/mass/delete", token, map[string]any{"msg_id": id, "article_idx": 0})
	sandbox.Equal(t, "a text is not deleted", deleted.ErrCode, 40008)
}

func TestAMediumIsFetchedWithPostAndAnEmptyBody(t *testing.T) {
	token := token(t)
	var form bytes.Buffer
	writer := multipart.NewWriter(&form)
	part, err := writer.CreateFormFile("media", "test.png")
	sandbox.OK(t, err)
	_, err = part.Write(sandbox.Bytes(t, "test.png"))
	sandbox.OK(t, err)
	sandbox.OK(t, writer.Close())
	media := decode(t, call(t, "POST", "media/upload?type=image&"+token, writer.FormDataContentType(), form.Bytes()))

	content := call(t, "POST", "media/get?media_id="+media.MediaID+"&"+token, "application/json", nil)
	if !bytes.Equal(content, sandbox.Bytes(t, "test.png")) {
		t.Errorf("%d bytes came back", len(content))
	}
}

// The SDK's preview puts an object where the OpenID belongs.
func TestAPreviewToAnObjectIsRefusedClearly(t *testing.T) {
	refused := post(t, "message/mass/preview", token(t), map[string]any{
		"touser": map[string]any{"to_user": []string{"x"}}, "msgtype": "text", "text": map[string]any{"content": "谁？"},
	})
	if refused.ErrCode != 40003 && refused.ErrCode != 47001 {
		t.Errorf("errcode is %d: %s", refused.ErrCode, refused.ErrMsg)
	}
}
