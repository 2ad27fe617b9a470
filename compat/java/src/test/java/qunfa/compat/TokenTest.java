package qunfa.compat;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonObject;
import me.chanjar.weixin.common.error.WxErrorException;
import me.chanjar.weixin.mp.api.WxMpService;
import me.chanjar.weixin.mp.config.impl.WxMpDefaultConfigImpl;
import org.junit.jupiter.api.Test;

/** Tokens, and how WxJava gets a new one by itself. */
class TokenTest extends SandboxTest {
  @Test
  void aTokenIsFetchedOnceAndLastsTwoHours() throws WxErrorException {
    WxMpDefaultConfigImpl config = configure(Sandbox.SERVICE);
    WxMpService client = connect(config);
    String first = client.getAccessToken();
    assertTrue(first.matches("[A-Za-z0-9_-]+"));
    assertEquals(first, client.getAccessToken());
    // The SDK counts 200 s less than the server says.
    long life = config.getExpiresTime() - System.currentTimeMillis();
    assertTrue(life > 6_990_000 && life <= 7_000_000, () -> life + " ms");
  }

  @Test
  void aStableTokenIsTheSameForEveryProcessAndApartFromThePlainOne() throws WxErrorException {
    WxMpService first = connect(stable());
    String token = first.getAccessToken();
    assertEquals(token, connect(stable()).getAccessToken());
    assertNotEquals(token, connect(Sandbox.SERVICE).getAccessToken());
    assertFalse(first.getUserTagService().tagGet().isEmpty());
    assertFalse(box.rawError(token).has("errcode"));
  }

  @Test
  void aForcedStableTokenIsAnotherOne() throws WxErrorException {
    WxMpService client = connect(stable());
    String first = client.getAccessToken();
    box.advance(60);
    assertNotEquals(first, client.getAccessToken(true));
  }

  private static WxMpDefaultConfigImpl stable() {
    WxMpDefaultConfigImpl config = configure(Sandbox.SERVICE);
    config.useStableAccessToken(true);
    return config;
  }

  @Test
  void aWrongSecretAndAWrongAppidKeepTheirCodes() {
    var wrongSecret = new Sandbox.Account(Sandbox.SERVICE.appid(), "f".repeat(32));
    refused(40125, "invalid appsecret", () -> connect(wrongSecret).getAccessToken());
    var wrongAppid = new Sandbox.Account("wx9999999999999999", "f");
    refused(40013, "invalid appid", () -> connect(wrongAppid).getAccessToken());
  }

  @Test
  void anUnknownTokenIsReplacedByTheSdkItself() throws WxErrorException {
    assertEquals(40001, box.rawError("garbage").get("errcode").getAsInt());
    WxMpService client = holding("garbage");
    assertFalse(client.getUserTagService().tagGet().isEmpty());
    assertNotEquals("garbage", client.getAccessToken());
  }

  @Test
  void aRepeatedPostAndARepeatedUploadArriveWhole() throws WxErrorException {
    WxMpService client = holding("garbage");
    delivered(client, client.getMassMessageService().massGroupMessageSend(
        text(Sandbox.TAG_HUNDREDTH, unique("第二次才到"))));
    upload(holding("garbage"), "image", "test.jpg");
  }

  @Test
  void anExpiredTokenIsReplacedByTheSdkItself() throws WxErrorException {
    String old = connect(Sandbox.SERVICE).getAccessToken();
    box.advance(3 * 3600);
    JsonObject error = box.rawError(old);
    assertEquals(42001, error.get("errcode").getAsInt());
    assertTrue(error.get("errmsg").getAsString().contains("access_token expired"));

    WxMpService client = holding(old);
    assertFalse(client.getUserTagService().tagGet().isEmpty());
    assertNotEquals(old, client.getAccessToken());
  }

  @Test
  void aSupersededTokenLivesOnForOtherProcesses() throws WxErrorException {
    String old = connect(Sandbox.SERVICE).getAccessToken();
    assertNotEquals(old, connect(Sandbox.SERVICE).getAccessToken());
    WxMpService client = holding(old);
    assertFalse(client.getUserTagService().tagGet().isEmpty());
    assertEquals(old, client.getAccessToken());
  }
}
