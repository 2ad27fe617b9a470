package qunfa.compat;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonObject;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import me.chanjar.weixin.common.api.WxConsts.MassMsgType;
import me.chanjar.weixin.common.error.WxErrorException;
import me.chanjar.weixin.mp.api.WxMpService;
import me.chanjar.weixin.mp.bean.WxMpMassOpenIdsMessage;
import me.chanjar.weixin.mp.bean.message.WxMpXmlMessage;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** MASSSENDJOBFINISH, received by WxJava's own signature check, decryption and parser. */
class CallbackTest extends SandboxTest {
  /** Longer than all tries of one event together (0, 5 and 10 s). */
  private static final int AFTER_ALL_TRIES_SECONDS = 60;

  private final List<WxMpXmlMessage> events = new CopyOnWriteArrayList<>();
  private final List<String> failures = new CopyOnWriteArrayList<>();
  private WxMpService client;
  private HttpServer server;

  @BeforeEach
  void listen() throws IOException {
    client = connect(Sandbox.SERVICE);
    server = HttpServer.create(new InetSocketAddress("127.0.0.1", 0), 0);
    server.createContext("/callback", this::answer);
    server.start();
  }

  @AfterEach
  void everythingWasReadable() {
    box.setCallback(null);
    server.stop(0);
    assertEquals(List.of(), failures);
  }

  private void answer(HttpExchange exchange) throws IOException {
    String content = "";
    int status = 200;
    try {
      content = receive(exchange.getRequestMethod(), query(exchange), exchange.getRequestBody().readAllBytes());
    } catch (RuntimeException refusal) {
      status = 403;
      failures.add(exchange.getRequestURI() + ": " + refusal);
    }
    byte[] bytes = content.getBytes(StandardCharsets.UTF_8);
    exchange.sendResponseHeaders(status, bytes.length == 0 ? -1 : bytes.length);
    exchange.getResponseBody().write(bytes);
    exchange.close();
  }

  private String receive(String method, Map<String, String> query, byte[] body) {
    String timestamp = query.get("timestamp");
    String nonce = query.get("nonce");
    if (!client.checkSignature(timestamp, nonce, query.get("signature"))) {
      throw new IllegalArgumentException("the signature is wrong");
    }
    if (method.equals("GET")) {
      return query.get("echostr");
    }
    String xml = new String(body, StandardCharsets.UTF_8);
    boolean encrypted = "aes".equals(query.get("encrypt_type"));
    events.add(encrypted
        ? WxMpXmlMessage.fromEncryptedXml(xml, client.getWxMpConfigStorage(), timestamp, nonce, query.get("msg_signature"))
        : WxMpXmlMessage.fromXml(xml));
    return "success";
  }

  private static Map<String, String> query(HttpExchange exchange) {
    Map<String, String> found = new HashMap<>();
    for (String pair : exchange.getRequestURI().getRawQuery().split("&")) {
      String[] parts = pair.split("=", 2);
      found.put(parts[0], URLDecoder.decode(parts[1], StandardCharsets.UTF_8));
    }
    return found;
  }

  private void use(String mode) {
    String url = "http://127.0.0.1:" + server.getAddress().getPort() + "/callback?channel=compat";
    box.setCallback(Map.of("url", url, "token", TOKEN, "aes_key", AES_KEY, "mode", mode, "verify", true));
  }

  /** The SDK puts MsgID into getMsgId(); its getMassMsgId() stays null. */
  private List<WxMpXmlMessage> of(long msgId) {
    return events.stream().filter(e -> e.getMsgId() != null && e.getMsgId() == msgId).toList();
  }

  /** The event of a mass, after every possible repetition had its time. */
  private WxMpXmlMessage only(long msgId) {
    Sandbox.waitFor("the event of mass " + msgId, () -> !of(msgId).isEmpty());
    box.advance(AFTER_ALL_TRIES_SECONDS);
    assertEquals(1, of(msgId).size(), "events of mass " + msgId);
    return of(msgId).get(0);
  }

  private static List<Integer> counts(WxMpXmlMessage event) {
    return List.of(event.getTotalCount(), event.getFilterCount(), event.getSentCount(), event.getErrorCount());
  }

  @ParameterizedTest
  @ValueSource(strings = {"plain", "compatible", "safe"})
  void aFinishedMassIsReportedOnceWithExactCounts(String mode) throws WxErrorException {
    use(mode);
    WxMpXmlMessage event = only(delivered(client,
        client.getMassMessageService().massGroupMessageSend(text(Sandbox.TAG_EVEN, unique("给一半的人")))));
    assertEquals("event", event.getMsgType());
    assertEquals("MASSSENDJOBFINISH", event.getEvent());
    assertEquals("send success", event.getStatus());
    assertEquals("mphelper", event.getFromUser());
    assertTrue(event.getToUser().startsWith("gh_"));
    assertTrue(event.getCreateTime() > 0);
    assertEquals(List.of(500, 500, 500, 0), counts(event));
  }

  @Test
  void theUrlsOfNewsAreInTheEvent() throws WxErrorException {
    use("safe");
    var message = toTag(Sandbox.TAG_HUNDREDTH, MassMsgType.MPNEWS);
    message.setMediaId(news(client, unique("第一篇"), unique("第二篇")));
    WxMpXmlMessage event = only(delivered(client, client.getMassMessageService().massGroupMessageSend(message)));
    assertEquals(2, event.getArticleUrlResult().getCount());
    var items = event.getArticleUrlResult().getResultList();
    assertEquals(2, items.size());
    assertTrue(box.page(items.get(0).getArticleUrl()).contains("从第一朵玉兰说起"));
  }

  @Test
  void theBlacklistedAreCountedAndNotReached() throws WxErrorException {
    use("plain");
    List<String> five = everybody(client).subList(50, 55);
    client.getBlackListService().pushToBlacklist(five.subList(1, 2));
    try {
      WxMpMassOpenIdsMessage message = new WxMpMassOpenIdsMessage();
      message.setToUsers(five);
      message.setMsgType(MassMsgType.TEXT);
      message.setContent(unique("五个人，一个在黑名单"));
      long msgId = delivered(client, client.getMassMessageService().massOpenIdsMessageSend(message));
      assertEquals(List.of(5, 4, 4, 0), counts(only(msgId)));
      JsonObject ledger = box.ledger(msgId);
      assertEquals("succeeded", ledger.get("state").getAsString());
      assertEquals(4, ledger.get("sent_count").getAsInt());
      assertEquals(0, box.entriesOf(five.get(1), msgId).size());
    } finally {
      client.getBlackListService().pullFromBlacklist(five.subList(1, 2));
    }
  }
}
