package chanxuehong

import (
	"bytes"
	"testing"

	"github.com/chanxuehong/wechat/mp/base"
	"github.com/chanxuehong/wechat/mp/media"

	"qunfa/compat/sandbox"
)

func TestAMediumIsUploadedAndGetsAnIDOfItsOwn(t *testing.T) {
	client := connect(sandbox.Service)
	for _, one := range []struct {
		method     uploader
		kind, name string
	}{
		{media.UploadImage, "image", "test.jpg"}, {media.UploadImage, "image", "test.png"},
		{media.UploadThumb, "thumb", "test.jpg"}, {media.UploadVoice, "voice", "test.amr"},
		{media.UploadVideo, "video", "test.mp4"},
	} {
		first := upload(t, client, one.method, one.kind, one.name)
		if first == upload(t, client, one.method, one.kind, one.name) {
			t.Errorf("%s %s: twice %q", one.kind, one.name, first)
		}
	}
}

func TestAMediumComesBackAsItWas(t *testing.T) {
	client := connect(sandbox.Service)
	for name, id := range map[string]string{"test.jpg": image(t, client), "test.amr": voice(t, client)} {
		var content bytes.Buffer
		_, err := media.DownloadToWriter(client, id, &content)
		sandbox.OK(t, err)
		if !bytes.Equal(content.Bytes(), sandbox.Bytes(t, name)) {
			t.Errorf("%s came back with %d bytes", name, content.Len())
		}
	}
	_, err := media.DownloadToWriter(client, "no-such-id", &bytes.Buffer{})
	refused(t, err, 40007, "invalid media_id")
}

func TestAPictureForArticlesGetsAURLWithTheSameBytes(t *testing.T) {
	client := connect(sandbox.Service)
	for _, name := range []string{"test.jpg", "test.png"} {
		address, err := base.UploadImage(client, sandbox.Fixture(name))
		sandbox.OK(t, err)
		if !bytes.Equal(box.Fetch(t, address), sandbox.Bytes(t, name)) {
			t.Errorf("%s is another picture", address)
		}
	}
	_, err := base.UploadImageFromReader(client, "test.jpg", bytes.NewReader(sandbox.Bytes(t, "test.amr")))
	refused(t, err, 40005, "invalid file type")
}

func TestEightArticlesAreUploadedNineAreRefused(t *testing.T) {
	client := connect(sandbox.Service)
	thumb := upload(t, client, media.UploadThumb, "thumb", "test.jpg")
	articles := make([]media.Article, 9)
	for i := range articles {
		articles[i] = media.Article{ThumbMediaId: thumb, Title: "一篇", Content: "<p>一行</p>"}
	}
	_, err := media.UploadNews(client, &media.News{Articles: articles[:8]})
	sandbox.OK(t, err)
	_, err = media.UploadNews(client, &media.News{Articles: articles})
	refused(t, err, 45008, "")
	articles[0].ThumbMediaId = "no-such-cover"
	_, err = media.UploadNews(client, &media.News{Articles: articles[:1]})
	refused(t, err, 40007, "invalid media_id")
}
