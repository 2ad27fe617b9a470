package qunfa;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.ProxySelector;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.extension.AfterEachCallback;
import org.junit.jupiter.api.extension.BeforeEachCallback;
import org.junit.jupiter.api.extension.ExtensionContext;

/**
 * A sandbox of its own for every test: {@code @RegisterExtension QunfaSandbox sandbox = new QunfaSandbox();}
 * The variable QUNFA_BIN or the PATH says where qunfa is.
 */
public final class QunfaSandbox implements BeforeEachCallback, AfterEachCallback {
  /** One of the accounts that every sandbox has. */
  public record Account(String appid, String secret, String kind, boolean verified) {}

  private static final ObjectMapper JSON = new ObjectMapper();

  private final List<String> options;
  // Without a proxy: the sandbox is on this machine.
  private final HttpClient http = HttpClient.newBuilder().proxy(ProxySelector.of(null)).build();
  private Process process;
  private JsonNode ready;

  /** Options go to {@code qunfa sandbox}. */
  public QunfaSandbox(String... options) {
    this.options = List.of(options);
  }

  @Override
  public void beforeEach(ExtensionContext context) throws IOException {
    List<String> command = new ArrayList<>();
    command.add(Optional.ofNullable(System.getenv("QUNFA_BIN")).orElse("qunfa"));
    command.addAll(List.of("sandbox", "--listen", "127.0.0.1:0", "--ready", "-", "--stop-with-stdin", "--start", "2026-11-02T10:00:00+08:00"));
    command.addAll(options);
    var builder = new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.INHERIT);
    builder.environment().putIfAbsent("QUNFA_LOG_LEVEL", "warn");
    process = builder.start();
    var output = new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8);
    String line = new BufferedReader(output).readLine();
    if (line == null) {
      throw new IllegalStateException("the sandbox ended before it was ready");
    }
    ready = JSON.readTree(line);
  }

  @Override
  public void afterEach(ExtensionContext context) throws IOException, InterruptedException {
    process.getOutputStream().close();
    if (!process.waitFor(30, TimeUnit.SECONDS)) {
      process.destroyForcibly();
      throw new IllegalStateException("the sandbox does not end");
    }
    if (process.exitValue() != 0) {
      throw new IllegalStateException("the sandbox ended with " + process.exitValue());
    }
  }

  /** Its address, without a last slash. */
  public String baseUrl() {
    return ready.get("base_url").asText();
  }

  /** The verified service account. */
  public Account service() {
    return account(0);
  }

  /** The verified subscription account. */
  public Account subscription() {
    return account(1);
  }

  /** The service account that is not verified. */
  public Account unverified() {
    return account(2);
  }

  private Account account(int number) {
    return JSON.convertValue(ready.get("accounts").get(number), Account.class);
  }

  /** Any request; the JSON of the answer. */
  public JsonNode request(String method, String path, Object body, String bearer) {
    try {
      var sent = body == null ? BodyPublishers.noBody() : BodyPublishers.ofString(JSON.writeValueAsString(body));
      var request = HttpRequest.newBuilder(URI.create(baseUrl() + path)).method(method, sent)
          .timeout(Duration.ofMinutes(1)).header("Content-Type", "application/json");
      if (bearer != null) {
        request.header("Authorization", "Bearer " + bearer);
      }
      var answer = http.send(request.build(), BodyHandlers.ofString());
      if (answer.statusCode() >= 300) {
        throw new IllegalStateException(method + " " + path + ": " + answer.statusCode() + " " + answer.body());
      }
      return JSON.readTree(answer.body());
    } catch (IOException error) {
      throw new IllegalStateException(method + " " + path, error);
    } catch (InterruptedException error) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException(method + " " + path, error);
    }
  }

  /** A call of the compatible API with the account's token; GET without a body. */
  public JsonNode call(Account account, String path, Object body) {
    var login = Map.of("grant_type", "client_credential", "appid", account.appid(), "secret", account.secret());
    String token = request("POST", "/cgi-bin/stable_token", login, null).get("access_token").asText();
    String mark = path.contains("?") ? "&" : "?";
    return request(body == null ? "GET" : "POST", path + mark + "access_token=" + token, body, null);
  }

  /** Moves the clock; everything that falls due on the way has happened when this returns. */
  public void advance(Duration span) {
    request("POST", "/sandbox/clock", Map.of("advance_seconds", span.toSeconds()), adminToken());
  }

  /** The OpenID of the account's follower with this number. */
  public String openid(Account account, int number) {
    return call(account, "/cgi-bin/user/get", null).at("/data/openid/" + number).asText();
  }

  /** What a follower has received, oldest first. */
  public List<JsonNode> inbox(Account account, String openid) {
    String path = "/v1/accounts/" + account.appid() + "/inbox-tokens";
    String token = request("POST", path, Map.of("openid", openid), adminToken()).get("token").asText();
    List<JsonNode> entries = new ArrayList<>();
    String cursor = "";
    do {
      JsonNode page = request("GET", "/inbox/entries?limit=100&cursor=" + cursor, null, token);
      page.get("entries").forEach(entries::add);
      cursor = page.path("next_cursor").asText("");
    } while (!cursor.isEmpty());
    Collections.reverse(entries);
    return entries;
  }

  private String adminToken() {
    return ready.get("admin_token").asText();
  }
}
