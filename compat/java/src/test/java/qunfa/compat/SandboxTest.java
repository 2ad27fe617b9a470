package qunfa.compat;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import me.chanjar.weixin.common.api.WxConsts.MassMsgType;
import me.chanjar.weixin.common.bean.result.WxMediaUploadResult;
import me.chanjar.weixin.common.error.WxErrorException;
import me.chanjar.weixin.mp.api.WxMpService;
import me.chanjar.weixin.mp.api.impl.WxMpServiceImpl;
import me.chanjar.weixin.mp.bean.WxMpMassNews;
import me.chanjar.weixin.mp.bean.WxMpMassTagMessage;
import me.chanjar.weixin.mp.bean.WxMpMassVideo;
import me.chanjar.weixin.mp.bean.material.WxMpNewsArticle;
import me.chanjar.weixin.mp.bean.result.WxMpMassGetResult;
import me.chanjar.weixin.mp.bean.result.WxMpMassSendResult;
import me.chanjar.weixin.mp.bean.result.WxMpMassUploadResult;
import me.chanjar.weixin.mp.config.WxMpHostConfig;
import me.chanjar.weixin.mp.config.impl.WxMpDefaultConfigImpl;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.extension.BeforeAllCallback;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.jupiter.api.function.Executable;

/** What the test classes share: one sandbox for all of them, clients, uploads. */
@ExtendWith(SandboxTest.OneForAll.class)
abstract class SandboxTest {
  /** Errcodes by which a server says that it does not have a part. */
  private static final int INVALID_URL = 40066;
  private static final int INVALID_IMAGE_COUNT = 40215;

  /** Parts of the server that are built beside these suites, by one call of each. */
  enum Part {
    MATERIALS("GET", "/cgi-bin/material/get_materialcount", null, INVALID_URL),
    DRAFTS("GET", "/cgi-bin/draft/count", null, INVALID_URL),
    COMMENTS("POST", "/cgi-bin/comment/list", "{}", INVALID_URL),
    DATACUBE("POST", "/datacube/getarticletotal", "{}", INVALID_URL),
    QUOTAS("POST", "/cgi-bin/clear_quota", "{}", INVALID_URL),
    PICTURES("POST", "/cgi-bin/message/mass/sendall", """
        {"filter":{"is_to_all":false,"tag_id":102},"msgtype":"image","images":{"media_ids":["no-such-id","nor-this"]}}
        """, INVALID_IMAGE_COUNT);

    private final String method;
    private final String path;
    private final String body;
    private final int missing;

    Part(String method, String path, String body, int missing) {
      this.method = method;
      this.path = path;
      this.body = body;
      this.missing = missing;
    }
  }

  static final String TOKEN = "compatToken";
  static final String AES_KEY = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";

  private static final AtomicInteger NUMBER = new AtomicInteger();

  static Sandbox box;

  static final class OneForAll implements BeforeAllCallback {
    @Override
    public void beforeAll(ExtensionContext context) {
      box = context.getRoot().getStore(ExtensionContext.Namespace.GLOBAL)
          .getOrComputeIfAbsent("sandbox", key -> start(), Sandbox.class);
    }

    private static Sandbox start() {
      try {
        return new Sandbox();
      } catch (Exception e) {
        throw new IllegalStateException(e);
      }
    }
  }

  /** Leaves a test out on a server without a part, and says so; with CI=true that is a failure. */
  static void needs(Part part) throws WxErrorException {
    String token = connect(Sandbox.SERVICE).getAccessToken();
    Object body = part.body == null ? null : JsonParser.parseString(part.body);
    JsonObject answer = box.call(part.method, part.path + "?access_token=" + token, body);
    boolean there = !answer.has("errcode") || answer.get("errcode").getAsInt() != part.missing;
    String reason = part.path + " answers " + part.missing;
    assertTrue(there || !"true".equals(System.getenv("CI")), () -> "with CI=true nothing may be left out: " + reason);
    Assumptions.assumeTrue(there, reason);
  }

  static WxMpDefaultConfigImpl configure(Sandbox.Account account) {
    WxMpDefaultConfigImpl config = new WxMpDefaultConfigImpl();
    config.setAppId(account.appid());
    config.setSecret(account.secret());
    config.setToken(TOKEN);
    config.setAesKey(AES_KEY);
    // The SDK's own means to reach another host.
    config.setHostConfig(WxMpHostConfig.builder().apiHost(box.base).build());
    return config;
  }

  static WxMpService connect(WxMpDefaultConfigImpl config) {
    WxMpService client = new WxMpServiceImpl();
    client.setWxMpConfigStorage(config);
    return client;
  }

  /** A client with a token of its own. */
  static WxMpService connect(Sandbox.Account account) {
    return connect(configure(account));
  }

  /** A client that believes in a token. */
  static WxMpService holding(String token) {
    WxMpDefaultConfigImpl config = configure(Sandbox.SERVICE);
    config.updateAccessToken(token, 7200);
    return connect(config);
  }

  /** All followers of the service account in their order: the first is user-000000000. */
  static List<String> everybody(WxMpService client) throws WxErrorException {
    List<String> openids = client.getUserService().userList(null).getOpenids();
    assertEquals(Sandbox.FOLLOWERS, openids.size());
    return openids;
  }

  /** Texts no other test sends: an identical mass within 24 hours is refused with 45065. */
  static String unique(String text) {
    return text + "（第 " + NUMBER.incrementAndGet() + " 封）";
  }

  static String upload(WxMpService client, String kind, String name) throws WxErrorException {
    WxMediaUploadResult media = client.getMaterialService().mediaUpload(kind, Sandbox.fixture(name).toFile());
    assertEquals(kind, media.getType());
    assertTrue(media.getCreatedAt() > 0);
    String id = kind.equals("thumb") ? media.getThumbMediaId() : media.getMediaId();
    assertNotNull(id);
    return id;
  }

  static WxMpNewsArticle article(String thumb, String picture, String title) {
    String text = new String(Sandbox.bytes("article.json"), StandardCharsets.UTF_8);
    JsonObject one = JsonParser.parseString(text).getAsJsonObject().getAsJsonArray("articles").get(0).getAsJsonObject();
    WxMpNewsArticle article = new WxMpNewsArticle();
    article.setThumbMediaId(thumb);
    article.setTitle(title);
    article.setAuthor(one.get("author").getAsString());
    article.setDigest(one.get("digest").getAsString());
    article.setContent(one.get("content").getAsString().replace("IMAGE_URL", picture));
    article.setShowCoverPic(true);
    return article;
  }

  static String uploadPicture(WxMpService client) throws WxErrorException {
    return client.getMaterialService().mediaImgUpload(Sandbox.fixture("test.jpg").toFile()).getUrl();
  }

  /** Uploads news with one fresh picture in the text. */
  static String news(WxMpService client, String... titles) throws WxErrorException {
    String picture = uploadPicture(client);
    String thumb = upload(client, "thumb", "test.jpg");
    WxMpMassNews news = new WxMpMassNews();
    for (String title : titles) {
      news.addArticle(article(thumb, picture, title));
    }
    WxMpMassUploadResult uploaded = client.getMassMessageService().massNewsUpload(news);
    assertEquals("news", uploaded.getType());
    assertTrue(uploaded.getCreatedAt() > 0);
    return uploaded.getMediaId();
  }

  /** Uploads a video and converts it for mass sends. */
  static String video(WxMpService client, String title) throws WxErrorException {
    WxMpMassVideo video = new WxMpMassVideo();
    video.setMediaId(upload(client, "video", "test.mp4"));
    video.setTitle(title);
    video.setDescription("两秒钟");
    WxMpMassUploadResult converted = client.getMassMessageService().massVideoUpload(video);
    assertEquals("video", converted.getType());
    assertNotEquals(video.getMediaId(), converted.getMediaId());
    return converted.getMediaId();
  }

  static WxMpMassTagMessage toTag(long tag, String type) {
    WxMpMassTagMessage message = new WxMpMassTagMessage();
    message.setTagId(tag);
    message.setMsgType(type);
    return message;
  }

  static WxMpMassTagMessage text(long tag, String content) {
    WxMpMassTagMessage message = toTag(tag, MassMsgType.TEXT);
    message.setContent(content);
    return message;
  }

  static WxMpMassTagMessage textToAll(String content) {
    WxMpMassTagMessage message = new WxMpMassTagMessage();
    message.setSendAll(true);
    message.setMsgType(MassMsgType.TEXT);
    message.setContent(content);
    return message;
  }

  /** Checks the answer to a mass send and waits until mass/get says SEND_SUCCESS. */
  static long delivered(WxMpService client, WxMpMassSendResult result) {
    assertEquals("0", result.getErrorCode());
    assertEquals("send job submission success", result.getErrorMsg());
    long msgId = Long.parseLong(result.getMsgId());
    Sandbox.waitFor("mass " + msgId + " to be sent", () -> {
      WxMpMassGetResult state;
      try {
        state = client.getMassMessageService().messageMassGet(msgId);
      } catch (WxErrorException e) {
        throw new IllegalStateException(e);
      }
      assertEquals(msgId, state.getMsgId());
      assertTrue(List.of("SENDING", "SEND_SUCCESS").contains(state.getMsgstatus()), state.getMsgstatus());
      return state.getMsgstatus().equals("SEND_SUCCESS");
    });
    return msgId;
  }

  /** Checks that a call is refused with the number and the text of the document; the SDK translates the text. */
  static WxErrorException refused(int code, String text, Executable call) {
    WxErrorException refusal = assertThrows(WxErrorException.class, call);
    assertEquals(code, refusal.getError().getErrorCode());
    String errmsg = refusal.getError().getErrorMsgEn();
    assertTrue(errmsg.startsWith(text), errmsg);
    return refusal;
  }
}
