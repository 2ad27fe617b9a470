package qunfa.compat;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.LocalDate;
import java.time.ZoneId;
import java.util.Date;
import java.util.List;
import me.chanjar.weixin.common.api.WxConsts.MassMsgType;
import me.chanjar.weixin.common.error.WxErrorException;
import me.chanjar.weixin.mp.api.WxMpService;
import me.chanjar.weixin.mp.bean.WxMpMassNews;
import me.chanjar.weixin.mp.bean.comment.WxMpCommentListVo.WxMpComment;
import me.chanjar.weixin.mp.bean.draft.WxMpAddDraft;
import me.chanjar.weixin.mp.bean.draft.WxMpDraftArticles;
import me.chanjar.weixin.mp.bean.draft.WxMpUpdateDraft;
import me.chanjar.weixin.mp.bean.material.WxMpMaterial;
import me.chanjar.weixin.mp.bean.material.WxMpMaterialCountResult;
import me.chanjar.weixin.mp.bean.material.WxMpMaterialUploadResult;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Permanent materials, drafts, publishing, comments, statistics, quotas. */
class LibraryTest extends SandboxTest {
  private WxMpService client;

  @BeforeEach
  void connectAgain() {
    client = connect(Sandbox.SERVICE);
  }

  private WxMpMaterialUploadResult add(String kind, String name) throws WxErrorException {
    WxMpMaterial material = new WxMpMaterial();
    material.setName(name);
    material.setFile(Sandbox.fixture(name).toFile());
    if (kind.equals("video")) {
      material.setVideoTitle("春天的湖");
      material.setVideoIntroduction("两秒钟");
    }
    WxMpMaterialUploadResult added = client.getMaterialService().materialFileUpload(kind, material);
    assertNotNull(added.getMediaId());
    return added;
  }

  @Test
  void permanentMaterialsAreAddedCountedListedFetchedAndDeleted() throws Exception {
    needs(Part.MATERIALS);
    var materials = client.getMaterialService();
    WxMpMaterialCountResult before = materials.materialCount();
    WxMpMaterialUploadResult image = add("image", "test.jpg");
    assertArrayEquals(Sandbox.bytes("test.jpg"), box.fetch(image.getUrl()));
    String voice = add("voice", "test.amr").getMediaId();
    String video = add("video", "test.mp4").getMediaId();
    WxMpMaterialCountResult after = materials.materialCount();
    assertEquals(before.getImageCount() + 1, after.getImageCount());
    assertEquals(before.getVoiceCount() + 1, after.getVoiceCount());
    assertEquals(before.getVideoCount() + 1, after.getVideoCount());

    var list = materials.materialFileBatchGet("image", 0, 20);
    assertEquals(after.getImageCount(), list.getTotalCount());
    assertEquals(list.getItems().size(), list.getItemCount());
    assertEquals(image.getMediaId(), list.getItems().get(0).getMediaId());
    assertEquals("test.jpg", list.getItems().get(0).getName());

    try (var bytes = materials.materialImageOrVoiceDownload(image.getMediaId())) {
      assertArrayEquals(Sandbox.bytes("test.jpg"), bytes.readAllBytes());
    }
    try (var bytes = materials.materialImageOrVoiceDownload(voice)) {
      assertArrayEquals(Sandbox.bytes("test.amr"), bytes.readAllBytes());
    }
    var info = materials.materialVideoInfo(video);
    assertEquals("春天的湖", info.getTitle());
    assertArrayEquals(Sandbox.bytes("test.mp4"), box.fetch(info.getDownUrl()));

    assertTrue(materials.materialDelete(image.getMediaId()));
    refused(40007, "invalid media_id", () -> materials.materialDelete(image.getMediaId()));
  }

  private WxMpDraftArticles draft(String title) throws WxErrorException {
    WxMpMaterialUploadResult cover = add("image", "test.jpg");
    WxMpDraftArticles article = new WxMpDraftArticles();
    article.setTitle(title);
    article.setThumbMediaId(cover.getMediaId());
    article.setContent(article("", cover.getUrl(), "").getContent());
    article.setNeedOpenComment(1);
    return article;
  }

  private String addDraft(String title) throws WxErrorException {
    WxMpAddDraft draft = new WxMpAddDraft();
    draft.setArticles(List.of(draft(title)));
    return client.getDraftService().addDraft(draft);
  }

  @Test
  void aDraftIsKeptChangedListedSentAndDeleted() throws WxErrorException {
    needs(Part.DRAFTS);
    var drafts = client.getDraftService();
    long before = drafts.countDraft();
    String mediaId = addDraft("草稿");
    WxMpUpdateDraft change = new WxMpUpdateDraft();
    change.setMediaId(mediaId);
    change.setIndex(0);
    change.setArticles(draft(unique("改过的草稿")));
    assertTrue(drafts.updateDraft(change));
    String title = change.getArticles().getTitle();
    assertEquals(title, drafts.getDraft(mediaId).getNewsItem().get(0).getTitle());
    assertEquals(before + 1, drafts.countDraft());
    var list = drafts.listDraft(0, 20);
    assertEquals(before + 1, (long) list.getTotalCount());
    assertEquals(mediaId, list.getItems().get(0).getMediaId());
    assertEquals(title, list.getItems().get(0).getContent().getNewsItem().get(0).getTitle());

    var message = toTag(Sandbox.TAG_HUNDREDTH, MassMsgType.MPNEWS);
    message.setMediaId(mediaId);
    long msgId = delivered(client, client.getMassMessageService().massGroupMessageSend(message));
    var article = box.entryOf(everybody(client).get(0), msgId).getAsJsonArray("articles").get(0).getAsJsonObject();
    assertEquals(title, article.get("title").getAsString());

    String unwanted = addDraft("不要的草稿");
    assertTrue(drafts.delDraft(unwanted));
    refused(40007, "invalid media_id", () -> drafts.getDraft(unwanted));
  }

  @Test
  void aDraftIsPublished() throws WxErrorException {
    needs(Part.DRAFTS);
    var publishing = client.getFreePublishService();
    String title = unique("只发布，不群发");
    String publishId = publishing.submit(addDraft(title));
    Sandbox.waitFor("the publication", () -> {
      try {
        return publishing.getPushStatus(publishId).getPublish_status() == 0;
      } catch (WxErrorException e) {
        throw new IllegalStateException(e);
      }
    });
    String articleId = publishing.getPushStatus(publishId).getArticle_id();
    assertEquals(title, publishing.getArticleFromId(articleId).getNewsItem().get(0).getTitle());
    assertTrue(publishing.deletePushAllArticle(articleId));
  }

  @Test
  void commentsAreOpenedListedElectedAnsweredAndClosed() throws WxErrorException {
    needs(Part.COMMENTS);
    var message = toTag(Sandbox.TAG_HUNDREDTH, MassMsgType.MPNEWS);
    WxMpMassNews news = new WxMpMassNews();
    news.addArticle(article(upload(client, "thumb", "test.jpg"), uploadPicture(client), unique("可以留言")));
    news.getArticles().get(0).setNeedOpenComment(true);
    message.setMediaId(client.getMassMessageService().massNewsUpload(news).getMediaId());
    var sent = client.getMassMessageService().massGroupMessageSend(message);
    String mass = sent.getMsgDataId();
    long msgId = delivered(client, sent);
    String reader = everybody(client).get(0);
    var comments = client.getCommentService();
    assertEquals(0, comments.list(mass, 0, 0, 10, 0).getTotal());
    assertEquals(List.of(), comments.list(mass, 0, 0, 10, 0).getComment());

    box.comment(reader, msgId, "玉兰真好看 🌸");
    WxMpComment comment = comments.list(mass, 0, 0, 10, 0).getComment().get(0);
    assertEquals("玉兰真好看 🌸", comment.getContent());
    assertEquals(reader, comment.getOpenid());
    long id = comment.getUserCommentId();
    comments.markElect(mass, 0, id);
    assertEquals(1, comments.list(mass, 0, 0, 10, 2).getTotal());
    comments.unmarkElect(mass, 0, id);
    comments.replyAdd(mass, 0, id, "谢谢");
    assertEquals("谢谢", comments.list(mass, 0, 0, 10, 0).getComment().get(0).getReply().getContent());
    refused(88005, "", () -> comments.replyAdd(mass, 0, id, "再谢"));
    comments.replyDelete(mass, 0, id);
    comments.delete(mass, 0, id);
    assertEquals(0, comments.list(mass, 0, 0, 10, 0).getTotal());
    comments.close(mass, 0);
    comments.open(mass, 0);
    refused(88001, "", () -> comments.open("1", 0));
  }

  @Test
  void theServersAddressesAreListedAndTheQuotaIsCleared() throws WxErrorException {
    needs(Part.QUOTAS);
    assertTrue(client.getCallbackIP().length > 0);
    client.clearQuota(Sandbox.SERVICE.appid());
    refused(40013, "invalid appid", () -> client.clearQuota(Sandbox.SUBSCRIPTION.appid()));
    refused(40201, "", () -> client.netCheck("all", "DEFAULT"));
  }

  @Test
  void theStatisticsOfADay() throws WxErrorException {
    needs(Part.DATACUBE);
    String title = unique("有人看的图文");
    var message = toTag(Sandbox.TAG_HUNDREDTH, MassMsgType.MPNEWS);
    message.setMediaId(news(client, title));
    delivered(client, client.getMassMessageService().massGroupMessageSend(message));
    // The SDK writes the date in the machine's time zone.
    Date day = Date.from(LocalDate.parse(box.today()).atStartOfDay(ZoneId.systemDefault()).toInstant());
    box.advance(34 * 3600); // past 08:00 of the next day, whatever time it is now
    assertNotNull(client.getDataCubeService().getArticleSummary(day, day));
    var total = client.getDataCubeService().getArticleTotal(day, day).stream()
        .filter(one -> title.equals(one.getTitle())).findFirst().orElseThrow();
    assertEquals(10, total.getDetails().get(0).getTargetUser());
  }
}
