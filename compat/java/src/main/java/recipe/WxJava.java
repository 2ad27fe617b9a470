package recipe;

import com.sun.net.httpserver.HttpServer;
import java.io.File;
import java.net.InetSocketAddress;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.stream.Collectors;
import me.chanjar.weixin.common.api.WxConsts.MassMsgType;
import me.chanjar.weixin.common.api.WxConsts.MediaFileType;
import me.chanjar.weixin.mp.api.WxMpService;
import me.chanjar.weixin.mp.api.impl.WxMpServiceImpl;
import me.chanjar.weixin.mp.bean.WxMpMassNews;
import me.chanjar.weixin.mp.bean.WxMpMassTagMessage;
import me.chanjar.weixin.mp.bean.material.WxMpNewsArticle;
import me.chanjar.weixin.mp.bean.message.WxMpXmlMessage;
import me.chanjar.weixin.mp.config.WxMpHostConfig;
import me.chanjar.weixin.mp.config.impl.WxMpDefaultConfigImpl;

/** Sends an article to a tag, asks how it went, and receives the finish event. Its argument is a picture. */
public final class WxJava {
  private static final String APPID = "wx0000000000000001";
  private static final String SECRET = "00000000000000000000000000000001";
  private static final String TOKEN = "recipeToken";
  private static final String AES_KEY = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";

  public static void main(String[] args) throws Exception {
    File picture = new File(args[0]);
    // The sandbox; QUNFA names another one.
    String base = System.getenv().getOrDefault("QUNFA", "http://127.0.0.1:8080");

    WxMpDefaultConfigImpl config = new WxMpDefaultConfigImpl();
    config.setAppId(APPID);
    config.setSecret(SECRET);
    config.setToken(TOKEN);
    config.setAesKey(AES_KEY);
    // The one line that makes it qunfa instead of the original.
    config.setHostConfig(WxMpHostConfig.builder().apiHost(base).build());
    WxMpService client = new WxMpServiceImpl();
    client.setWxMpConfigStorage(config);

    CompletableFuture<WxMpXmlMessage> finished = new CompletableFuture<>();
    HttpServer server = listen(client, finished);
    useAsCallback(base, server.getAddress().getPort());

    // Token. The SDK also fetches it by itself when a call needs it, and again when it has become invalid.
    client.getAccessToken();

    // Uploads: a picture for the text, one for the cover, and the article.
    String url = client.getMaterialService().mediaImgUpload(picture).getUrl();
    String cover = client.getMaterialService().mediaUpload(MediaFileType.THUMB, picture).getThumbMediaId();
    WxMpNewsArticle article = new WxMpNewsArticle();
    article.setTitle("玉兰开了");
    article.setThumbMediaId(cover);
    article.setDigest("比去年早五天");
    article.setContent("<p>东门那株白玉兰开了第一朵。</p><img src=\"" + url + "\"/>");
    WxMpMassNews news = new WxMpMassNews();
    news.addArticle(article);
    String mediaId = client.getMassMessageService().massNewsUpload(news).getMediaId();

    // Send to tag 100, and ask until it is sent.
    WxMpMassTagMessage message = new WxMpMassTagMessage();
    message.setTagId(100L);
    message.setMsgType(MassMsgType.MPNEWS);
    message.setMediaId(mediaId);
    long msgId = Long.parseLong(client.getMassMessageService().massGroupMessageSend(message).getMsgId());
    System.out.println("sent " + msgId);
    String status = "";
    while (!status.equals("SEND_SUCCESS")) {
      Thread.sleep(100);
      status = client.getMassMessageService().messageMassGet(msgId).getMsgstatus();
    }
    System.out.println("status " + status);

    // The SDK puts the mass's MsgID into getMsgId(), not into getMassMsgId().
    WxMpXmlMessage event = finished.get();
    System.out.println("event " + event.getMsgId() + " " + event.getStatus() + ": "
        + event.getSentCount() + " of " + event.getTotalCount());
    server.stop(0);
  }

  /** Receives events: the SDK checks the signature, decrypts and decodes. */
  private static HttpServer listen(WxMpService client, CompletableFuture<WxMpXmlMessage> finished) throws Exception {
    HttpServer server = HttpServer.create(new InetSocketAddress("127.0.0.1", 0), 0);
    server.createContext("/", exchange -> {
      Map<String, String> query = Arrays.stream(exchange.getRequestURI().getQuery().split("&"))
          .map(pair -> pair.split("=", 2)).collect(Collectors.toMap(pair -> pair[0], pair -> pair[1]));
      String body = new String(exchange.getRequestBody().readAllBytes(), StandardCharsets.UTF_8);
      boolean valid = client.checkSignature(query.get("timestamp"), query.get("nonce"), query.get("signature"));
      String answer = query.getOrDefault("echostr", "success");
      if (valid && exchange.getRequestMethod().equals("POST")) {
        WxMpXmlMessage message = WxMpXmlMessage.fromEncryptedXml(body, client.getWxMpConfigStorage(),
            query.get("timestamp"), query.get("nonce"), query.get("msg_signature"));
        if ("MASSSENDJOBFINISH".equals(message.getEvent())) {
          finished.complete(message);
        }
      }
      byte[] bytes = answer.getBytes(StandardCharsets.UTF_8);
      exchange.sendResponseHeaders(valid ? 200 : 403, bytes.length);
      exchange.getResponseBody().write(bytes);
      exchange.close();
    });
    server.start();
    return server;
  }

  /** With the original you type the callback in on the site; here /v1 does the same. */
  private static void useAsCallback(String base, int port) throws Exception {
    String body = """
        {"callback":{"url":"http://127.0.0.1:%d/","token":"%s","aes_key":"%s","mode":"safe","verify":true}}
        """.formatted(port, TOKEN, AES_KEY);
    HttpResponse<String> answer = HttpClient.newHttpClient().send(
        HttpRequest.newBuilder(URI.create(base + "/v1/accounts/" + APPID))
            .header("Authorization", "Bearer sandbox")
            .method("PATCH", HttpRequest.BodyPublishers.ofString(body)).build(),
        HttpResponse.BodyHandlers.ofString());
    if (answer.statusCode() != 200) {
      throw new IllegalStateException("the callback was not saved: " + answer.body());
    }
  }
}
