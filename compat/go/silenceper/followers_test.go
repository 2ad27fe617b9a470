package silenceper

import (
	"slices"
	"strings"
	"testing"

	"github.com/silenceper/wechat/v2/officialaccount/user"

	"qunfa/compat/sandbox"
)

func TestAllFollowersAreListedOnce(t *testing.T) {
	client := connect(sandbox.Service)
	openIDs := everybody(t, client)
	slices.Sort(openIDs)
	sandbox.Equal(t, "different followers", len(slices.Compact(openIDs)), sandbox.FollowerCount)
}

func TestAPageStartsAfterTheOpenIDItIsGivenAndTheLastOneIsEmpty(t *testing.T) {
	client := connect(sandbox.Service)
	openIDs := everybody(t, client)
	page, err := client.GetUser().ListUserOpenIDs(openIDs[499])
	sandbox.OK(t, err)
	sandbox.Equal(t, "total", page.Total, 1000)
	sandbox.Equal(t, "count", page.Count, 500)
	if !slices.Equal(page.Data.OpenIDs, openIDs[500:]) || page.NextOpenID != openIDs[999] {
		t.Error("the page holds other followers")
	}
	page, err = client.GetUser().ListUserOpenIDs(openIDs[999])
	sandbox.OK(t, err)
	sandbox.Equal(t, "followers after the last", len(page.Data.OpenIDs), 0)
	sandbox.Equal(t, "next_openid after the last", page.NextOpenID, "")
}

func TestFollowersAreDescribed(t *testing.T) {
	client := connect(sandbox.Service)
	openIDs := everybody(t, client)
	person, err := client.GetUser().GetUserInfo(openIDs[0])
	sandbox.OK(t, err)
	sandbox.Equal(t, "openid", person.OpenID, openIDs[0])
	sandbox.Equal(t, "subscribe", person.Subscribe, 1)
	tags := slices.Sorted(slices.Values(person.TagIDList))
	if !slices.Equal(tags, []int32{sandbox.TagEven, sandbox.TagTenth, sandbox.TagHundredth}) {
		t.Errorf("tags %v", tags)
	}

	var list []user.BatchGetUserListItem
	for _, openID := range openIDs[:100] {
		list = append(list, user.BatchGetUserListItem{OpenID: openID, Lang: "zh_CN"})
	}
	people, err := client.GetUser().BatchGetUserInfo(user.BatchGetUserInfoParams{UserList: list})
	sandbox.OK(t, err)
	sandbox.Equal(t, "described", len(people.UserInfoList), 100)
	sandbox.Equal(t, "the hundredth", people.UserInfoList[99].OpenID, openIDs[99])

	_, err = client.GetUser().GetUserInfo("o" + strings.Repeat("x", 27))
	refused(t, err, 40003, "invalid openid")
}

func TestATagLivesFromCreateToDelete(t *testing.T) {
	client := connect(sandbox.Service)
	api, openIDs := client.GetUser(), everybody(t, client)
	tag, err := api.CreateTag("观察小组")
	sandbox.OK(t, err)
	sandbox.OK(t, api.UpdateTag(tag.ID, "植物观察小组"))
	sandbox.OK(t, api.BatchTag(openIDs[11:15], tag.ID))
	sandbox.OK(t, api.BatchUntag(openIDs[14:15], tag.ID))

	tags, err := api.GetTag()
	sandbox.OK(t, err)
	i := slices.IndexFunc(tags, func(one *user.TagInfo) bool { return one.ID == tag.ID })
	if i < 0 || tags[i].Name != "植物观察小组" || tags[i].Count != 3 {
		t.Fatalf("listed at %d", i)
	}
	members, err := api.OpenIDListByTag(tag.ID)
	sandbox.OK(t, err)
	if !slices.Equal(members.Data.OpenIDs, openIDs[11:14]) {
		t.Errorf("members %v", members.Data.OpenIDs)
	}
	members, err = api.OpenIDListByTag(tag.ID, members.NextOpenID)
	sandbox.OK(t, err)
	sandbox.Equal(t, "members after the last", len(members.Data.OpenIDs), 0)
	ids, err := api.UserTidList(openIDs[11])
	sandbox.OK(t, err)
	if !slices.Contains(ids, tag.ID) {
		t.Errorf("the member has %v", ids)
	}

	sandbox.OK(t, api.DeleteTag(tag.ID))
	ids, err = api.UserTidList(openIDs[11])
	sandbox.OK(t, err)
	if slices.Contains(ids, tag.ID) {
		t.Error("the deleted tag is still on a follower")
	}
}

func TestTagsRefuseWithTheirCodes(t *testing.T) {
	client := connect(sandbox.Service)
	api, openIDs := client.GetUser(), everybody(t, client)
	tag, err := api.CreateTag("重名")
	sandbox.OK(t, err)
	defer func() { sandbox.OK(t, api.DeleteTag(tag.ID)) }()
	_, err = api.CreateTag("重名")
	refused(t, err, 45157, "")
	_, err = api.CreateTag(strings.Repeat("长", 31))
	refused(t, err, 45158, "")
	refused(t, api.UpdateTag(2, "不许改"), 45058, "")
	refused(t, api.BatchTag(openIDs[:1], sandbox.TagNobodyHas), 45159, "")
	refused(t, api.BatchTag(openIDs[:51], tag.ID), 40032, "")
}

func TestTheBlacklistIsKept(t *testing.T) {
	client := connect(sandbox.Service)
	api, openIDs := client.GetUser(), everybody(t, client)
	sandbox.OK(t, api.BatchBlackList(openIDs[31:33]...))
	listed, err := api.GetAllBlackList()
	sandbox.OK(t, err)
	if !slices.Equal(listed, openIDs[31:33]) {
		t.Errorf("blacklisted: %v", listed)
	}
	sandbox.OK(t, api.BatchUnBlackList(openIDs[31:33]...))
	listed, err = api.GetAllBlackList()
	sandbox.OK(t, err)
	sandbox.Equal(t, "still blacklisted", len(listed), 0)
}
