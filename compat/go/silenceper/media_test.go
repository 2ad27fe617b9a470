package silenceper

import (
	"bytes"
	"testing"

	"github.com/silenceper/wechat/v2/officialaccount/material"
	"github.com/silenceper/wechat/v2/util"

	"qunfa/compat/sandbox"
)

func TestAMediumIsUploadedAndGetsAnIDOfItsOwn(t *testing.T) {
	client := connect(sandbox.Service)
	for _, one := range []struct {
		kind material.MediaType
		name string
	}{
		{material.MediaTypeImage, "test.jpg"}, {material.MediaTypeImage, "test.png"},
		{material.MediaTypeThumb, "test.jpg"}, {material.MediaTypeVoice, "test.amr"},
		{material.MediaTypeVideo, "test.mp4"},
	} {
		first, second := upload(t, client, one.kind, one.name), upload(t, client, one.kind, one.name)
		if first == "" || first == second {
			t.Errorf("%s %s: %q, then %q", one.kind, one.name, first, second)
		}
	}
}

func TestAMediumComesBackAsItWas(t *testing.T) {
	client := connect(sandbox.Service)
	for kind, name := range map[material.MediaType]string{
		material.MediaTypeImage: "test.jpg", material.MediaTypeVoice: "test.amr",
	} {
		address, err := client.GetMaterial().GetMediaURL(upload(t, client, kind, name))
		sandbox.OK(t, err)
		content, err := util.HTTPGet(address)
		sandbox.OK(t, err)
		content, err = util.HandleFileResponse(content, "media/get")
		sandbox.OK(t, err)
		if !bytes.Equal(content, sandbox.Bytes(t, name)) {
			t.Errorf("%s came back with %d bytes", name, len(content))
		}
	}
}

func TestAMediumFromMemoryIsUploadedUnderTheNameItIsGiven(t *testing.T) {
	media, err := connect(sandbox.Service).GetMaterial().MediaUploadFromReader(
		material.MediaTypeImage, "from-memory.png", bytes.NewReader(sandbox.Bytes(t, "test.png")))
	sandbox.OK(t, err)
	if media.MediaID == "" {
		t.Error("no media_id")
	}
}

func TestAPictureForArticlesGetsAURLWithTheSameBytes(t *testing.T) {
	for _, name := range []string{"test.jpg", "test.png"} {
		address, err := connect(sandbox.Service).GetMaterial().ImageUpload(sandbox.Fixture(name))
		sandbox.OK(t, err)
		if !bytes.Equal(box.Fetch(t, address), sandbox.Bytes(t, name)) {
			t.Errorf("%s is another picture", address)
		}
	}
}

func TestUploadsRefuseWithTheirCodes(t *testing.T) {
	client := connect(sandbox.Service)
	_, err := client.GetMaterial().ImageUpload(sandbox.Fixture("test.amr"))
	refused(t, err, 40005, "invalid file type")
	_, err = client.GetMaterial().MediaUpload(material.MediaTypeVoice, sandbox.Fixture("article.json"))
	if err == nil {
		t.Error("a text is no voice")
	}
	address, err := client.GetMaterial().GetMediaURL("no-such-id")
	sandbox.OK(t, err)
	content, err := util.HTTPGet(address)
	sandbox.OK(t, err)
	_, err = util.HandleFileResponse(content, "media/get")
	refused(t, err, 40007, "invalid media_id")
}

func TestEightArticlesAreUploadedNineAreRefused(t *testing.T) {
	client := connect(sandbox.Service)
	thumb := upload(t, client, material.MediaTypeThumb, "test.jpg")
	articles := make([]map[string]any, 9)
	for i := range articles {
		articles[i] = map[string]any{"title": "一篇", "thumb_media_id": thumb, "content": "<p>一行</p>"}
	}
	_, err := post(t, client, "media/uploadnews", map[string]any{"articles": articles[:8]})
	sandbox.OK(t, err)
	_, err = post(t, client, "media/uploadnews", map[string]any{"articles": articles})
	refused(t, err, 45008, "")
	articles[0]["thumb_media_id"] = "no-such-cover"
	_, err = post(t, client, "media/uploadnews", map[string]any{"articles": articles[:1]})
	refused(t, err, 40007, "invalid media_id")
}
