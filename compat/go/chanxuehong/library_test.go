package chanxuehong

import (
	"bytes"
	"testing"

	"github.com/chanxuehong/wechat/mp/base"
	"github.com/chanxuehong/wechat/mp/datacube"
	"github.com/chanxuehong/wechat/mp/material"
	"github.com/chanxuehong/wechat/mp/message/mass/mass2group"

	"qunfa/compat/sandbox"
)

func TestPermanentMaterialsAreAddedCountedListedFetchedAndDeleted(t *testing.T) {
	box.Needs(t, "materials")
	client := connect(sandbox.Service)
	before, err := material.GetMaterialCount(client)
	sandbox.OK(t, err)
	image, url, err := material.UploadImage(client, sandbox.Fixture("test.jpg"))
	sandbox.OK(t, err)
	if !bytes.Equal(box.Fetch(t, url), sandbox.Bytes(t, "test.jpg")) {
		t.Error("the URL of the picture leads elsewhere")
	}
	voice, err := material.UploadVoice(client, sandbox.Fixture("test.amr"))
	sandbox.OK(t, err)
	video, err := material.UploadVideo(client, sandbox.Fixture("test.mp4"), "春天的湖", "两秒钟")
	sandbox.OK(t, err)

	after, err := material.GetMaterialCount(client)
	sandbox.OK(t, err)
	sandbox.Equal(t, "counts", *after, material.MaterialCountInfo{
		VoiceCount: before.VoiceCount + 1, VideoCount: before.VideoCount + 1,
		ImageCount: before.ImageCount + 1, NewsCount: before.NewsCount,
	})
	for kind, id := range map[string]string{
		material.MaterialTypeImage: image, material.MaterialTypeVoice: voice, material.MaterialTypeVideo: video,
	} {
		pages, err := material.NewMaterialIterator(client, kind, 0, 20)
		sandbox.OK(t, err)
		found := false
		for pages.HasNext() {
			items, err := pages.NextPage()
			sandbox.OK(t, err)
			for _, item := range items {
				found = found || item.MediaId == id
			}
		}
		sandbox.Equal(t, kind+" is listed", found, true)
	}
	for name, id := range map[string]string{"test.jpg": image, "test.amr": voice} {
		var content bytes.Buffer
		_, err := material.DownloadToWriter(client, id, &content)
		sandbox.OK(t, err)
		if !bytes.Equal(content.Bytes(), sandbox.Bytes(t, name)) {
			t.Errorf("%s came back with %d bytes", name, content.Len())
		}
	}
	info, err := material.GetVideo(client, video)
	sandbox.OK(t, err)
	sandbox.Equal(t, "title", info.Title, "春天的湖")
	if !bytes.Equal(box.Fetch(t, info.DownloadURL), sandbox.Bytes(t, "test.mp4")) {
		t.Error("another video")
	}

	sandbox.OK(t, material.Delete(client, image))
	refused(t, material.Delete(client, image), 40007, "invalid media_id")
	_, err = material.DownloadToWriter(client, image, &bytes.Buffer{})
	refused(t, err, 40007, "invalid media_id")
}

func TestAPermanentPictureIsSent(t *testing.T) {
	box.Needs(t, "materials")
	client := connect(sandbox.Service)
	openIDs := everybody(t, client)
	image, _, err := material.UploadImage(client, sandbox.Fixture("test.jpg"))
	sandbox.OK(t, err)
	result, err := mass2group.Send(client, mass2group.NewImage(tagID, image))
	sandbox.Equal(t, "type", box.EntryOf(t, openIDs[0], delivered(t, client, result, err)).Type, "image")
}

func TestTheStatisticsOfADay(t *testing.T) {
	box.Needs(t, "datacube")
	client := connect(sandbox.Service)
	title := sandbox.Unique("有人看的图文")
	result, err := mass2group.Send(client, mass2group.NewNews(tagID, news(t, client, title)))
	delivered(t, client, result, err)
	day := box.Today(t)
	box.Advance(t, 34*3600) // past 08:00 of the next day, whatever time it is now
	_, err = datacube.GetArticleSummary(client, datacube.NewRequest(day, day))
	sandbox.OK(t, err)
	total, err := datacube.GetArticleTotal(client, datacube.NewRequest(day, day))
	sandbox.OK(t, err)
	found := false
	for _, one := range total {
		if one.Title == title && len(one.Details) > 0 {
			found = true
			sandbox.Equal(t, "target_user", one.Details[0].TargetUser, 10)
		}
	}
	sandbox.Equal(t, "the article is in the day's list", found, true)
}

func TestTheServersAddressesAreListed(t *testing.T) {
	box.Needs(t, "addresses")
	addresses, err := base.GetCallbackIP(connect(sandbox.Service))
	sandbox.OK(t, err)
	if len(addresses) == 0 {
		t.Error("no address")
	}
}
