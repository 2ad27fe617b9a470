package qunfa.compat;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.Gson;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.io.IOException;
import java.net.ServerSocket;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.extension.ExtensionContext.Store.CloseableResource;

/**
 * One {@code qunfa sandbox} as a child process, and the few native calls the tests need beside the SDK: they only
 * prepare (quota, callback) and look from the other side (inbox, ledger, clock). Nothing here stands in for an SDK
 * method.
 */
final class Sandbox implements CloseableResource {
  record Account(String appid, String secret) {}

  /** Verified, with the payment permission. */
  static final Account SERVICE = new Account("wx0000000000000001", "00000000000000000000000000000001");
  /** Verified. */
  static final Account SUBSCRIPTION = new Account("wx0000000000000002", "00000000000000000000000000000002");
  /** A service account that is not verified. */
  static final Account UNVERIFIED = new Account("wx0000000000000003", "00000000000000000000000000000003");

  static final long TAG_EVEN = 100;
  static final long TAG_TENTH = 101;
  static final long TAG_HUNDREDTH = 102;
  static final long TAG_NOBODY_HAS = 99_999;
  static final int FOLLOWERS = 1000;

  /** compat/, wherever Maven was started. */
  static final Path COMPAT = Path.of(System.getProperty("basedir", ".")).toAbsolutePath().normalize().getParent();

  private static final Duration READY = Duration.ofSeconds(30);
  private static final Duration SETTLE = Duration.ofSeconds(20);
  private static final int STOP_SECONDS = 15;
  private static final Gson GSON = new Gson().newBuilder().serializeNulls().create();

  final String base;
  private final HttpClient http = HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();
  private final Path folder;
  private final Process process;

  Sandbox() throws IOException, InterruptedException {
    int port;
    try (ServerSocket probe = new ServerSocket(0)) {
      port = probe.getLocalPort();
    }
    base = "http://127.0.0.1:" + port;
    folder = Files.createTempDirectory("qunfa-compat-");
    process = new ProcessBuilder(binary().toString(), "sandbox", "--listen", "127.0.0.1:" + port,
            "--followers", Integer.toString(FOLLOWERS), "--data", folder.resolve("data").toString())
        .directory(folder.toFile())
        .redirectErrorStream(true)
        .redirectOutput(folder.resolve("sandbox.log").toFile())
        .start();
    waitFor("GET /healthz to answer 200", READY, this::healthy);
    setQuota(SERVICE, "sends_per_day", "calls_per_day", "receipts_per_month", "history_per_day",
        "history_per_month", "calls_per_minute");
  }

  /** Asks the server to stop and insists that it does so by itself, without an error. */
  @Override
  public void close() throws IOException, InterruptedException {
    process.destroy();
    if (!process.waitFor(STOP_SECONDS, TimeUnit.SECONDS)) {
      process.destroyForcibly();
      throw new IllegalStateException("the sandbox still ran " + STOP_SECONDS + " s after SIGTERM\n" + log());
    }
    int code = process.exitValue();
    if (code != 0 && code != 128 + 15) {
      throw new IllegalStateException("the sandbox ended with " + code + "\n" + log());
    }
    try (var files = Files.walk(folder)) {
      files.sorted(Comparator.reverseOrder()).forEach(file -> file.toFile().delete());
    }
  }

  /** The binary named by QUNFA_BIN, else the release build, else the debug build. */
  private static Path binary() {
    String named = System.getenv("QUNFA_BIN");
    Path target = COMPAT.resolveSibling("target");
    List<Path> candidates = named != null && !named.isEmpty()
        ? List.of(Path.of(named))
        : List.of(target.resolve("release/qunfa"), target.resolve("debug/qunfa"));
    return candidates.stream().filter(Files::isRegularFile).findFirst().orElseThrow(() ->
        new IllegalStateException("no qunfa binary: looked for " + candidates + "; build one or set QUNFA_BIN"));
  }

  private boolean healthy() {
    if (!process.isAlive()) {
      throw new IllegalStateException("the sandbox ended with " + process.exitValue() + "\n" + log());
    }
    try {
      return send(HttpRequest.newBuilder(URI.create(base + "/healthz"))).statusCode() == 200;
    } catch (RuntimeException notYet) {
      return false;
    }
  }

  private String log() {
    try {
      List<String> lines = Files.readAllLines(folder.resolve("sandbox.log"));
      return String.join("\n", lines.subList(Math.max(0, lines.size() - 40), lines.size()));
    } catch (IOException gone) {
      return "no log: " + gone;
    }
  }

  private HttpResponse<byte[]> send(HttpRequest.Builder request) {
    try {
      return http.send(request.timeout(Duration.ofSeconds(30)).build(), HttpResponse.BodyHandlers.ofByteArray());
    } catch (IOException e) {
      throw new IllegalStateException(e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException(e);
    }
  }

  // -- native API ---------------------------------------------------------------------------------------------

  JsonObject call(String method, String path, Object body, String token) {
    HttpRequest.BodyPublisher content = body == null
        ? HttpRequest.BodyPublishers.noBody() : HttpRequest.BodyPublishers.ofString(GSON.toJson(body));
    HttpResponse<byte[]> answer = send(HttpRequest.newBuilder(URI.create(base + path))
        .method(method, content)
        .header("Authorization", "Bearer " + token)
        .header("Content-Type", "application/json"));
    String text = new String(answer.body(), StandardCharsets.UTF_8);
    assertTrue(answer.statusCode() < 300, () -> method + " " + path + ": " + answer.statusCode() + " " + text);
    return text.isEmpty() ? new JsonObject() : JsonParser.parseString(text).getAsJsonObject();
  }

  /** One native call as the administrator. */
  JsonObject call(String method, String path, Object body) {
    return call(method, path, body, "sandbox");
  }

  void setQuota(Account account, String limit, Integer value) {
    JsonObject quota = new JsonObject();
    quota.addProperty(limit, value);
    call("PATCH", "/v1/accounts/" + account.appid(), Map.of("quota", quota));
  }

  private void setQuota(Account account, String... lifted) {
    for (String limit : lifted) {
      setQuota(account, limit, (Integer) null);
    }
  }

  /** Sets or, with null, removes the callback of the service account. */
  void setCallback(Map<String, Object> callback) {
    JsonObject body = new JsonObject();
    body.add("callback", GSON.toJsonTree(callback));
    call("PATCH", "/v1/accounts/" + SERVICE.appid(), body);
  }

  /** Moves the virtual clock; what falls due has run when this returns. */
  void advance(int seconds) {
    call("POST", "/sandbox/clock", Map.of("advance_seconds", seconds));
  }

  /** The date of the virtual clock in Shanghai. */
  String today() {
    return call("GET", "/sandbox/clock", null).get("now").getAsString().substring(0, 10);
  }

  /** What the account's owner sees of a mass. */
  JsonObject ledger(long msgId) {
    return call("GET", "/v1/accounts/" + SERVICE.appid() + "/masses/" + msgId, null);
  }

  /** What the server says to a token when no SDK repeats the call. */
  JsonObject rawError(String token) {
    return call("GET", "/cgi-bin/tags/get?access_token=" + token, null);
  }

  // -- the follower's side ------------------------------------------------------------------------------------

  private String inboxToken(String openid) {
    String path = "/v1/accounts/" + SERVICE.appid() + "/inbox-tokens";
    return call("POST", path, Map.of("openid", openid)).get("token").getAsString();
  }

  /** A follower's comment on the first article of a mass. */
  void comment(String openid, long msgId, String content) {
    String entry = entryOf(openid, msgId).get("id").getAsString();
    call("POST", "/inbox/entries/" + entry + "/comments", Map.of("content", content), inboxToken(openid));
  }

  /** Everything in the inbox of one follower of the service account, newest first, read page by page. */
  List<JsonObject> inbox(String openid) {
    String token = inboxToken(openid);
    List<JsonObject> entries = new ArrayList<>();
    HashSet<String> seen = new HashSet<>();
    String cursor = "";
    do {
      String next = cursor.isEmpty() ? "" : "&cursor=" + URLEncoder.encode(cursor, StandardCharsets.UTF_8);
      JsonObject page = call("GET", "/inbox/entries?limit=50" + next, null, token);
      for (JsonElement one : page.getAsJsonArray("entries")) {
        JsonObject entry = one.getAsJsonObject();
        assertTrue(seen.add(entry.get("id").getAsString()), () -> "twice in the inbox: " + entry);
        entries.add(entry);
      }
      // On the last page it is null.
      JsonElement after = page.get("next_cursor");
      cursor = after == null || after.isJsonNull() || page.getAsJsonArray("entries").isEmpty()
          ? "" : after.getAsString();
    } while (!cursor.isEmpty());
    return entries;
  }

  /** The entries of one mass in a follower's inbox: none or one. */
  List<JsonObject> entriesOf(String openid, long msgId) {
    return inbox(openid).stream().filter(entry -> entry.get("msg_id").getAsLong() == msgId).toList();
  }

  JsonObject entryOf(String openid, long msgId) {
    List<JsonObject> entries = entriesOf(openid, msgId);
    assertEquals(1, entries.size(), () -> "entries of mass " + msgId + " in the inbox of " + openid);
    return entries.get(0);
  }

  boolean hasText(String openid, String text) {
    return inbox(openid).stream().anyMatch(e -> e.has("text") && e.get("text").getAsString().equals(text));
  }

  /** A page or a file as a reader's browser gets it, without any token. */
  byte[] fetch(String url) {
    HttpResponse<byte[]> answer = send(HttpRequest.newBuilder(URI.create(base + "/").resolve(url)));
    assertEquals(200, answer.statusCode(), url);
    return answer.body();
  }

  String page(String url) {
    return new String(fetch(url), StandardCharsets.UTF_8);
  }

  // -- what tests share ---------------------------------------------------------------------------------------

  static Path fixture(String name) {
    return COMPAT.resolve("fixtures").resolve(name);
  }

  static byte[] bytes(String name) {
    try {
      return Files.readAllBytes(fixture(name));
    } catch (IOException e) {
      throw new IllegalStateException(e);
    }
  }

  /** Asks {@code look} until it says true; fails with {@code what} when the time is over. */
  static void waitFor(String what, BooleanSupplier look) {
    waitFor(what, SETTLE, look);
  }

  private static void waitFor(String what, Duration limit, BooleanSupplier look) {
    long end = System.nanoTime() + limit.toNanos();
    while (!look.getAsBoolean()) {
      assertTrue(System.nanoTime() < end, () -> "waited " + limit.toSeconds() + " s in vain for " + what);
      try {
        TimeUnit.MILLISECONDS.sleep(50);
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        throw new IllegalStateException(e);
      }
    }
  }
}
