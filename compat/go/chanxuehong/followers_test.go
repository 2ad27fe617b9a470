package chanxuehong

import (
	"slices"
	"strings"
	"testing"

	"github.com/chanxuehong/wechat/mp/user"
	"github.com/chanxuehong/wechat/mp/user/group"
	"github.com/chanxuehong/wechat/mp/user/tag"

	"qunfa/compat/sandbox"
)

func TestTheIteratorWalksToTheEndAndMeetsEveryoneOnce(t *testing.T) {
	openIDs := everybody(t, connect(sandbox.Service))
	slices.Sort(openIDs)
	sandbox.Equal(t, "different followers", len(slices.Compact(openIDs)), sandbox.FollowerCount)
}

func TestFollowersAreDescribed(t *testing.T) {
	client := connect(sandbox.Service)
	openIDs := everybody(t, client)
	person, err := user.Get(client, openIDs[0], "zh_CN")
	sandbox.OK(t, err)
	sandbox.Equal(t, "openid", person.OpenId, openIDs[0])
	sandbox.Equal(t, "subscribe", person.IsSubscriber, 1)
	tags := slices.Sorted(slices.Values(person.TagIdList))
	if !slices.Equal(tags, []int{sandbox.TagEven, sandbox.TagTenth, sandbox.TagHundredth}) {
		t.Errorf("tags %v", tags)
	}

	people, err := user.BatchGet(client, openIDs[:100], "zh_CN")
	sandbox.OK(t, err)
	sandbox.Equal(t, "described", len(people), 100)
	sandbox.Equal(t, "the hundredth", people[99].OpenId, openIDs[99])
	_, err = user.Get(client, "o"+strings.Repeat("x", 27), "")
	refused(t, err, 40003, "invalid openid")

	sandbox.OK(t, user.UpdateRemark(client, openIDs[7], "胖子 \"A\\B\" 🌸"))
	person, err = user.Get(client, openIDs[7], "")
	sandbox.OK(t, err)
	sandbox.Equal(t, "remark", person.Remark, "胖子 \"A\\B\" 🌸")
}

func TestATagLivesFromCreateToDelete(t *testing.T) {
	client := connect(sandbox.Service)
	openIDs := everybody(t, client)
	made, err := tag.Create(client, "观察小组")
	sandbox.OK(t, err)
	sandbox.OK(t, tag.Update(client, made.Id, "植物观察小组"))
	sandbox.OK(t, tag.BatchTag(client, openIDs[11:15], made.Id))
	sandbox.OK(t, tag.BatchUntag(client, openIDs[14:15], made.Id))

	tags, err := tag.List(client)
	sandbox.OK(t, err)
	if !slices.Contains(tags, tag.Tag{Id: made.Id, Name: "植物观察小组", UserCount: 3}) {
		t.Errorf("listed: %v", tags)
	}
	members, err := tag.TagGet(client, made.Id, "")
	sandbox.OK(t, err)
	if !slices.Equal(members.Data.OpenIdList, openIDs[11:14]) {
		t.Errorf("members %v", members.Data.OpenIdList)
	}
	members, err = tag.TagGet(client, made.Id, members.NextOpenId)
	sandbox.OK(t, err)
	sandbox.Equal(t, "members after the last", members.Count, 0)
	sandbox.Equal(t, "next_openid after the last", members.NextOpenId, "")
	sandbox.OK(t, tag.Delete(client, made.Id))
	_, err = tag.TagGet(client, made.Id, "")
	refused(t, err, 45159, "")
}

func TestTagsRefuseWithTheirCodes(t *testing.T) {
	client := connect(sandbox.Service)
	openIDs := everybody(t, client)
	made, err := tag.Create(client, "重名")
	sandbox.OK(t, err)
	defer func() { sandbox.OK(t, tag.Delete(client, made.Id)) }()
	_, err = tag.Create(client, "重名")
	refused(t, err, 45157, "")
	refused(t, tag.Update(client, 2, "不许改"), 45058, "")
	refused(t, tag.BatchTag(client, openIDs[:51], made.Id), 40032, "")
}

// The groups are the tags under their older paths.
func TestAGroupLivesFromCreateToDelete(t *testing.T) {
	box.Needs(t, "groups")
	client := connect(sandbox.Service)
	openIDs := everybody(t, client)
	made, err := group.Create(client, "旧分组")
	sandbox.OK(t, err)
	sandbox.OK(t, group.Update(client, made.Id, "改过的旧分组"))
	sandbox.OK(t, user.MoveToGroup(client, openIDs[21], made.Id))
	sandbox.OK(t, user.BatchMoveToGroup(client, openIDs[22:24], made.Id))
	groupID, err := user.GroupId(client, openIDs[21])
	sandbox.OK(t, err)
	sandbox.Equal(t, "group", groupID, made.Id)
	groups, err := group.List(client)
	sandbox.OK(t, err)
	if !slices.Contains(groups, group.Group{Id: made.Id, Name: "改过的旧分组", UserCount: 3}) {
		t.Errorf("listed: %v", groups)
	}
	sandbox.OK(t, group.Delete(client, made.Id))
}
