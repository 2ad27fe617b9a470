package qunfa.compat;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.HashSet;
import java.util.List;
import java.util.Set;
import me.chanjar.weixin.common.error.WxErrorException;
import me.chanjar.weixin.mp.api.WxMpService;
import me.chanjar.weixin.mp.bean.result.WxMpUser;
import me.chanjar.weixin.mp.bean.result.WxMpUserList;
import me.chanjar.weixin.mp.bean.tag.WxTagListUser;
import me.chanjar.weixin.mp.bean.tag.WxUserTag;
import org.junit.jupiter.api.Test;

/** Followers, remarks, tags, the blacklist. */
class FollowersTest extends SandboxTest {
  @Test
  void allFollowersAreListedOnce() throws WxErrorException {
    assertEquals(Sandbox.FOLLOWERS, new HashSet<>(everybody(connect(Sandbox.SERVICE))).size());
    assertEquals(Sandbox.FOLLOWERS, connect(Sandbox.SERVICE).getUserService().userList().getOpenids().size());
  }

  @Test
  void aPageStartsAfterTheOpenidItIsGivenAndTheLastOneIsEmpty() throws WxErrorException {
    WxMpService client = connect(Sandbox.SERVICE);
    List<String> openids = everybody(client);
    WxMpUserList page = client.getUserService().userList(openids.get(499));
    assertEquals(1000, page.getTotal());
    assertEquals(500, page.getCount());
    assertEquals(openids.subList(500, 1000), page.getOpenids());
    assertEquals(openids.get(999), page.getNextOpenid());
    WxMpUserList last = client.getUserService().userList(openids.get(999));
    assertEquals(0, last.getCount());
    assertEquals("", last.getNextOpenid());
  }

  @Test
  void followersAreDescribed() throws WxErrorException {
    var users = connect(Sandbox.SERVICE).getUserService();
    List<String> openids = everybody(connect(Sandbox.SERVICE));
    WxMpUser person = users.userInfo(openids.get(0));
    assertEquals(openids.get(0), person.getOpenId());
    assertTrue(person.getSubscribe());
    assertEquals(Set.of(Sandbox.TAG_EVEN, Sandbox.TAG_TENTH, Sandbox.TAG_HUNDREDTH), Set.of(person.getTagIds()));
    List<WxMpUser> people = users.userInfoList(openids.subList(0, 100));
    assertEquals(openids.subList(0, 100), people.stream().map(WxMpUser::getOpenId).toList());
    refused(40003, "invalid openid", () -> users.userInfo("o" + "x".repeat(27)));
    refused(40032, "", () -> users.userInfoList(openids.subList(0, 101)));
  }

  @Test
  void aRemarkIsKeptByteForByte() throws WxErrorException {
    WxMpService client = connect(Sandbox.SERVICE);
    String openid = everybody(client).get(7);
    String remark = "胖子 \"A\\B\" 🌸";
    client.getUserService().userUpdateRemark(openid, remark);
    assertEquals(remark, client.getUserService().userInfo(openid).getRemark());
  }

  @Test
  void aTagLivesFromCreateToDelete() throws WxErrorException {
    WxMpService client = connect(Sandbox.SERVICE);
    var tags = client.getUserTagService();
    List<String> openids = everybody(client);
    WxUserTag tag = tags.tagCreate("观察小组");
    assertTrue(tags.tagUpdate(tag.getId(), "植物观察小组"));
    assertTrue(tags.batchTagging(tag.getId(), openids.subList(11, 15).toArray(String[]::new)));
    assertTrue(tags.batchUntagging(tag.getId(), new String[] {openids.get(14)}));

    WxUserTag listed = tags.tagGet().stream().filter(t -> t.getId().equals(tag.getId())).findFirst().orElseThrow();
    assertEquals("植物观察小组", listed.getName());
    assertEquals(3, listed.getCount());
    WxTagListUser members = tags.tagListUser(tag.getId(), "");
    assertEquals(openids.subList(11, 14), members.getData().getOpenidList());
    WxTagListUser after = tags.tagListUser(tag.getId(), members.getNextOpenid());
    assertEquals(0, after.getCount());
    assertTrue(tags.userTagList(openids.get(11)).contains(tag.getId()));

    assertTrue(tags.tagDelete(tag.getId()));
    assertFalse(tags.userTagList(openids.get(11)).contains(tag.getId()));
  }

  @Test
  void tagsRefuseWithTheirCodes() throws WxErrorException {
    WxMpService client = connect(Sandbox.SERVICE);
    var tags = client.getUserTagService();
    String[] openids = everybody(client).subList(0, 51).toArray(String[]::new);
    Long tag = tags.tagCreate("重名").getId();
    refused(45157, "", () -> tags.tagCreate("重名"));
    refused(45158, "", () -> tags.tagCreate("长".repeat(31)));
    refused(45058, "", () -> tags.tagUpdate(2L, "不许改"));
    refused(45159, "", () -> tags.batchTagging(Sandbox.TAG_NOBODY_HAS, new String[] {openids[0]}));
    refused(40032, "", () -> tags.batchTagging(tag, openids));
    tags.tagDelete(tag);
  }

  @Test
  void theBlacklistIsKept() throws WxErrorException {
    WxMpService client = connect(Sandbox.SERVICE);
    var blacklist = client.getBlackListService();
    List<String> two = everybody(client).subList(31, 33);
    blacklist.pushToBlacklist(two);
    assertEquals(two, blacklist.getBlacklist("").getOpenidList());
    blacklist.pullFromBlacklist(two);
    assertEquals(0, blacklist.getBlacklist("").getCount());
  }
}
