package qunfa.compat;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import java.util.List;
import java.util.function.Consumer;
import me.chanjar.weixin.common.api.WxConsts.MassMsgType;
import me.chanjar.weixin.common.error.WxErrorException;
import me.chanjar.weixin.mp.api.WxMpService;
import me.chanjar.weixin.mp.bean.WxMpMassOpenIdsMessage;
import me.chanjar.weixin.mp.bean.WxMpMassPreviewMessage;
import me.chanjar.weixin.mp.bean.WxMpMassTagMessage;
import me.chanjar.weixin.mp.bean.result.WxMpMassSendResult;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Mass sends of every type to every kind of audience, seen from both ends. */
class MassesTest extends SandboxTest {
  private static final String DELETED = "该内容已被发布者删除";

  /** All three ways to name receivers; each holds the first follower. */
  enum Audience { ALL, TAG, LIST }

  private WxMpService client;
  private List<String> openids;

  @BeforeEach
  void connectAgain() throws WxErrorException {
    client = connect(Sandbox.SERVICE);
    openids = everybody(client);
  }

  private WxMpMassSendResult send(Audience audience, String type, String content, String mediaId, List<String> many)
      throws WxErrorException {
    var masses = client.getMassMessageService();
    if (audience == Audience.LIST) {
      WxMpMassOpenIdsMessage message = new WxMpMassOpenIdsMessage();
      message.setToUsers(openids.subList(0, 2));
      message.setMsgType(type);
      message.setContent(content);
      message.setMediaId(mediaId);
      message.setMediaIds(many);
      return masses.massOpenIdsMessageSend(message);
    }
    WxMpMassTagMessage message = new WxMpMassTagMessage();
    if (audience == Audience.TAG) {
      message.setTagId(Sandbox.TAG_HUNDREDTH);
    } else {
      message.setSendAll(true);
    }
    message.setMsgType(type);
    message.setContent(content);
    message.setMediaId(mediaId);
    message.setMediaIds(many);
    return masses.massGroupMessageSend(message);
  }

  private JsonObject received(Audience audience, WxMpMassSendResult result) {
    long msgId = delivered(client, result);
    int last = box.entriesOf(openids.get(999), msgId).size();
    assertEquals(audience == Audience.ALL ? 1 : 0, last, "entries of the last follower");
    return box.entryOf(openids.get(0), msgId);
  }

  @ParameterizedTest
  @EnumSource
  void aTextIsSent(Audience audience) throws WxErrorException {
    String text = unique("明早九点集合。\n\"带水\" \\ 带笔 <&> 🌸");
    WxMpMassSendResult result = send(audience, MassMsgType.TEXT, text, null, null);
    assertEquals(text, received(audience, result).get("text").getAsString());
    assertNull(result.getMsgDataId());
  }

  @ParameterizedTest
  @EnumSource
  void aPictureIsSent(Audience audience) throws WxErrorException {
    String picture = upload(client, "image", "test.jpg");
    JsonObject entry = received(audience, send(audience, MassMsgType.IMAGE, null, picture, null));
    assertEquals("image", entry.get("type").getAsString());
    assertTrue(box.fetch(entry.get("media_url").getAsString()).length > 0);
  }

  @ParameterizedTest
  @EnumSource
  void severalPicturesAreSent(Audience audience) throws WxErrorException {
    needs(Part.PICTURES);
    List<String> pictures = List.of(upload(client, "image", "test.jpg"), upload(client, "image", "test.png"));
    JsonObject entry = received(audience, send(audience, MassMsgType.IMAGE, null, null, pictures));
    assertEquals("image", entry.get("type").getAsString());
    assertEquals(2, entry.getAsJsonArray("media_urls").size());
  }

  @ParameterizedTest
  @EnumSource
  void aVoiceIsSent(Audience audience) throws WxErrorException {
    String voice = upload(client, "voice", "test.amr");
    JsonObject entry = received(audience, send(audience, MassMsgType.VOICE, null, voice, null));
    assertEquals("voice", entry.get("type").getAsString());
    assertArrayEquals(Sandbox.bytes("test.amr"), box.fetch(entry.get("media_url").getAsString()));
  }

  @ParameterizedTest
  @EnumSource
  void aVideoIsConvertedAndSent(Audience audience) throws WxErrorException {
    String title = unique("春天的湖");
    WxMpMassSendResult result = send(audience, MassMsgType.MPVIDEO, null, video(client, title), null);
    assertEquals(title, received(audience, result).get("title").getAsString());
  }

  @ParameterizedTest
  @EnumSource
  void newsAreSentAndTheirPageCanBeRead(Audience audience) throws WxErrorException {
    String title = unique("校园植物观察");
    String media = news(client, title, unique("第二篇"));
    WxMpMassSendResult result = send(audience, MassMsgType.MPNEWS, null, media, null);
    assertNotNull(result.getMsgDataId());
    JsonArray articles = received(audience, result).getAsJsonArray("articles");
    assertEquals(2, articles.size());
    JsonObject first = articles.get(0).getAsJsonObject();
    assertEquals(title, first.get("title").getAsString());
    assertTrue(box.page(first.get("url").getAsString()).contains("从第一朵玉兰说起"));
  }

  private WxMpMassSendResult preview(String type, Consumer<WxMpMassPreviewMessage> fill) throws WxErrorException {
    WxMpMassPreviewMessage message = new WxMpMassPreviewMessage();
    message.setToWxUserOpenid(openids.get(40));
    message.setMsgType(type);
    fill.accept(message);
    return client.getMassMessageService().massMessagePreview(message);
  }

  @Test
  void everyTypeCanBePreviewedAndIsNoMass() throws WxErrorException {
    String text = unique("先看一眼");
    String image = upload(client, "image", "test.jpg");
    String voice = upload(client, "voice", "test.amr");
    String film = video(client, "预览");
    String news = news(client, unique("预览图文"));
    WxMpMassSendResult first = preview(MassMsgType.TEXT, m -> m.setContent(text));
    assertEquals("preview success", first.getErrorMsg());
    preview(MassMsgType.IMAGE, m -> m.setMediaId(image));
    preview(MassMsgType.VOICE, m -> m.setMediaId(voice));
    preview(MassMsgType.MPVIDEO, m -> m.setMediaId(film));
    preview(MassMsgType.MPNEWS, m -> m.setMediaId(news));
    assertTrue(box.hasText(openids.get(40), text));
    assertFalse(box.hasText(openids.get(41), text));
    if (first.getMsgId() != null) {
      long msgId = Long.parseLong(first.getMsgId());
      refused(40059, "invalid msg id", () -> client.getMassMessageService().messageMassGet(msgId));
    }
  }

  @Test
  void aPreviewByNameReachesTheFollowerOfThatName() throws WxErrorException {
    String text = unique("按微信号预览");
    preview(MassMsgType.TEXT, m -> {
      m.setToWxUserOpenid(null);
      m.setToWxUserName("user-000000042");
      m.setContent(text);
    });
    assertTrue(box.hasText(openids.get(42), text));
  }

  @Test
  void deletedNewsLoseTheirPageAndKeepTheirCard() throws WxErrorException {
    var masses = client.getMassMessageService();
    String media = news(client, unique("要删除的图文"), unique("留下的图文"));
    long msgId = delivered(client, send(Audience.TAG, MassMsgType.MPNEWS, null, media, null));
    JsonArray articles = box.entryOf(openids.get(0), msgId).getAsJsonArray("articles");
    String first = articles.get(0).getAsJsonObject().get("url").getAsString();
    String second = articles.get(1).getAsJsonObject().get("url").getAsString();

    masses.delete(msgId, 1);
    assertTrue(box.page(first).contains(DELETED));
    assertFalse(box.page(second).contains(DELETED));
    // The SDK sends "article_idx":null for the whole message.
    masses.delete(msgId, null);
    assertTrue(box.page(second).contains(DELETED));
    assertEquals("DELETE", masses.messageMassGet(msgId).getMsgstatus());
    assertEquals(articles.get(0).getAsJsonObject().get("title"),
        box.entryOf(openids.get(0), msgId).getAsJsonArray("articles").get(0).getAsJsonObject().get("title"));
  }

  @Test
  void theSpeedIsSetAndRead() throws WxErrorException {
    var masses = client.getMassMessageService();
    for (int level = 4; level >= 0; level--) {
      masses.messageMassSpeedSet(level);
      assertEquals(level, masses.messageMassSpeedGet().getSpeed());
      assertTrue(masses.messageMassSpeedGet().getRealspeed() > 0);
    }
    refused(45083, "", () -> masses.messageMassSpeedSet(9));
  }

  @Test
  void aClientmsgidSendsOnce() throws WxErrorException {
    WxMpMassTagMessage message = text(Sandbox.TAG_HUNDREDTH, unique("一次"));
    message.setClientMsgId("key-" + System.nanoTime());
    long msgId = delivered(client, client.getMassMessageService().massGroupMessageSend(message));
    message.setContent(unique("第二次"));
    var refusal = refused(45065, "clientmsgid exist",
        () -> client.getMassMessageService().massGroupMessageSend(message));
    assertTrue(refusal.getError().getJson().contains("\"msg_id\":" + msgId), refusal.getError().getJson());
    assertFalse(box.hasText(openids.get(0), message.getContent()));
  }
}
