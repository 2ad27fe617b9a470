package silenceper

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/silenceper/wechat/v2/domain/openapi"
	"github.com/silenceper/wechat/v2/officialaccount/broadcast"
	"github.com/silenceper/wechat/v2/officialaccount/draft"
	"github.com/silenceper/wechat/v2/officialaccount/material"
	"github.com/silenceper/wechat/v2/util"

	"qunfa/compat/sandbox"
)

// add uploads a permanent material.
func add(t *testing.T, api *material.Material, kind material.MediaType, name string) (mediaID, url string) {
	t.Helper()
	mediaID, url, err := api.AddMaterial(kind, sandbox.Fixture(name))
	sandbox.OK(t, err)
	if mediaID == "" {
		t.Errorf("no media_id for %s %s", kind, name)
	}
	return mediaID, url
}

func TestPermanentMaterialsAreAddedCountedListedAndDeleted(t *testing.T) {
	box.Needs(t, "materials")
	api := connect(sandbox.Service).GetMaterial()
	before, err := api.GetMaterialCount()
	sandbox.OK(t, err)
	image, url := add(t, api, material.MediaTypeImage, "test.jpg")
	if !bytes.Equal(box.Fetch(t, url), sandbox.Bytes(t, "test.jpg")) {
		t.Error("the URL of the picture leads elsewhere")
	}
	add(t, api, material.MediaTypeVoice, "test.amr")
	// The SDK sends the description as a file part with the file's name.
	video, _, err := api.AddVideo(sandbox.Fixture("test.mp4"), "春天的湖", "两秒钟")
	sandbox.OK(t, err)
	if video == "" {
		t.Error("no media_id for the video")
	}

	after, err := api.GetMaterialCount()
	sandbox.OK(t, err)
	sandbox.Equal(t, "pictures", after.ImageCount, before.ImageCount+1)
	sandbox.Equal(t, "voices", after.VoiceCount, before.VoiceCount+1)
	sandbox.Equal(t, "videos", after.VideoCount, before.VideoCount+1)
	list, err := api.BatchGetMaterial(material.PermanentMaterialTypeImage, 0, 20)
	sandbox.OK(t, err)
	sandbox.Equal(t, "listed", list.ItemCount, int64(len(list.Item)))
	sandbox.Equal(t, "total", list.TotalCount, after.ImageCount)
	sandbox.Equal(t, "the newest", list.Item[0].MediaID, image)
	sandbox.Equal(t, "its name", list.Item[0].Name, "test.jpg")

	sandbox.OK(t, api.DeleteMaterial(image))
	refused(t, api.DeleteMaterial(image), 40007, "invalid media_id")
}

func draftOf(t *testing.T, api *material.Material, title string) *draft.Article {
	t.Helper()
	cover, url := add(t, api, material.MediaTypeImage, "test.jpg")
	content, digest := sandbox.Article(t, url)
	return &draft.Article{Title: title, Author: "植物观察小组", Digest: digest, Content: content, ThumbMediaID: cover}
}

func TestADraftIsKeptChangedListedSentAndDeleted(t *testing.T) {
	box.Needs(t, "drafts")
	client := connect(sandbox.Service)
	openIDs, api := everybody(t, client), client.GetDraft()
	before, err := api.CountDraft()
	sandbox.OK(t, err)
	article := draftOf(t, client.GetMaterial(), "草稿")
	mediaID, err := api.AddDraft([]*draft.Article{article})
	sandbox.OK(t, err)
	article.Title = sandbox.Unique("改过的草稿")
	sandbox.OK(t, api.UpdateDraft(article, mediaID, 0))
	kept, err := api.GetDraft(mediaID)
	sandbox.OK(t, err)
	if len(kept) != 1 || kept[0].Title != article.Title || kept[0].ThumbMediaID != article.ThumbMediaID {
		t.Fatalf("kept: %+v", kept)
	}
	count, err := api.CountDraft()
	sandbox.OK(t, err)
	sandbox.Equal(t, "drafts", count, before+1)
	list, err := api.PaginateDraft(0, 20, false)
	sandbox.OK(t, err)
	sandbox.Equal(t, "total", list.TotalCount, int64(count))
	sandbox.Equal(t, "the newest", list.Item[0].MediaID, mediaID)
	sandbox.Equal(t, "its title", list.Item[0].Content.NewsItem[0].Title, article.Title)

	result, err := massAPI(client).SendNews(&broadcast.User{TagID: sandbox.TagHundredth}, mediaID, false)
	entry := box.EntryOf(t, openIDs[0], delivered(t, client, result, err))
	sandbox.Equal(t, "title", entry.Articles[0].Title, article.Title)
	if !strings.Contains(string(box.Fetch(t, entry.Articles[0].URL)), "从第一朵玉兰说起") {
		t.Error("the page lacks its text")
	}

	mediaID, err = api.AddDraft([]*draft.Article{draftOf(t, client.GetMaterial(), "不要的草稿")})
	sandbox.OK(t, err)
	sandbox.OK(t, api.DeleteDraft(mediaID))
	_, err = api.GetDraft(mediaID)
	refused(t, err, 40007, "invalid media_id")
}

func TestADraftIsPublished(t *testing.T) {
	box.Needs(t, "drafts")
	client := connect(sandbox.Service)
	title := sandbox.Unique("只发布，不群发")
	mediaID, err := client.GetDraft().AddDraft([]*draft.Article{draftOf(t, client.GetMaterial(), title)})
	sandbox.OK(t, err)
	publishID, err := client.GetFreePublish().Publish(mediaID)
	sandbox.OK(t, err)
	articleID := ""
	sandbox.WaitFor(t, "the publication", func() bool {
		state, err := client.GetFreePublish().SelectStatus(publishID)
		sandbox.OK(t, err)
		articleID = state.ArticleID
		return state.PublishStatus == 0
	})
	articles, err := client.GetFreePublish().First(articleID)
	sandbox.OK(t, err)
	sandbox.Equal(t, "title", articles[0].Title, title)
}

func TestPermanentMaterialsAreSent(t *testing.T) {
	box.Needs(t, "materials")
	client := connect(sandbox.Service)
	openIDs := everybody(t, client)
	voice, _ := add(t, client.GetMaterial(), material.MediaTypeVoice, "test.amr")
	result, err := massAPI(client).SendVoice(&broadcast.User{TagID: sandbox.TagHundredth}, voice)
	entry := box.EntryOf(t, openIDs[0], delivered(t, client, result, err))
	sandbox.Equal(t, "type", entry.Type, "voice")
}

func TestTheStatisticsOfADay(t *testing.T) {
	box.Needs(t, "datacube")
	client := connect(sandbox.Service)
	title := sandbox.Unique("有人看的图文")
	result, err := massAPI(client).SendNews(&broadcast.User{TagID: sandbox.TagHundredth}, uploadNews(t, client, title), false)
	delivered(t, client, result, err)
	day := box.Today(t).Format("2006-01-02")
	box.Advance(t, 34*3600)           // past 08:00 of the next day, whatever time it is now
	client = connect(sandbox.Service) // the SDK does not renew its token by itself
	summary, err := client.GetDataCube().GetArticleSummary(day, day)
	sandbox.OK(t, err)
	sandbox.Equal(t, "errcode", summary.ErrCode, 0)
	total, err := client.GetDataCube().GetArticleTotal(day, day)
	sandbox.OK(t, err)
	found := false
	for _, one := range total.List {
		if one.Title == title && len(one.Details) > 0 {
			found = true
			sandbox.Equal(t, "target_user", one.Details[0].TargetUser, 10)
		}
	}
	sandbox.Equal(t, "the article is in the day's list", found, true)
}

func TestTheServersAddressesAreListed(t *testing.T) {
	box.Needs(t, "addresses")
	api := connect(sandbox.Service).GetBasic()
	for _, list := range []func() ([]string, error){api.GetCallbackIP, api.GetAPIDomainIP} {
		addresses, err := list()
		sandbox.OK(t, err)
		if len(addresses) == 0 {
			t.Error("no address")
		}
	}
}

func TestAQuotaIsToldAndCleared(t *testing.T) {
	box.Needs(t, "quotas")
	client := connect(sandbox.Service)
	api := client.GetOpenAPI()
	of := openapi.GetAPIQuotaParams{CgiPath: "/cgi-bin/message/mass/sendall"}
	before, err := api.GetAPIQuota(of)
	sandbox.OK(t, err)
	_, err = massAPI(client).SendText(&broadcast.User{TagID: sandbox.TagHundredth}, sandbox.Unique("一次调用"))
	sandbox.OK(t, err)
	after, err := api.GetAPIQuota(of)
	sandbox.OK(t, err)
	sandbox.Equal(t, "used", after.Quota.Used, before.Quota.Used+1)
	sandbox.OK(t, client.GetBasic().ClearQuota())
	sandbox.OK(t, api.ClearQuotaByAppSecret())
	cleared, err := api.GetAPIQuota(of)
	sandbox.OK(t, err)
	sandbox.Equal(t, "used after clearing", cleared.Quota.Used, 0)
}

func TestARefusedCallIsFoundByItsRid(t *testing.T) {
	box.Needs(t, "rids")
	client := connect(sandbox.Service)
	_, err := massAPI(client).SendText(&broadcast.User{TagID: sandbox.TagHundredth}, "")
	var refusal *util.CommonError
	if !errors.As(err, &refusal) {
		t.Fatal(err)
	}
	_, rid, found := strings.Cut(refusal.ErrMsg, "rid: ")
	if !found {
		t.Fatalf("no rid in %q", refusal.ErrMsg)
	}
	call, err := client.GetOpenAPI().GetRidInfo(openapi.GetRidInfoParams{Rid: strings.TrimSpace(rid)})
	sandbox.OK(t, err)
	if !strings.Contains(call.Request.ResponseBody, "44004") {
		t.Errorf("found: %+v", call.Request)
	}
}
