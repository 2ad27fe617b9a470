package qunfa;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** A subscription account sends once a day, and the second send of a day is refused. */
class ExampleTest {
  @RegisterExtension
  final QunfaSandbox sandbox = new QunfaSandbox();

  private int send(QunfaSandbox.Account account, String text) {
    var body = Map.of("filter", Map.of("is_to_all", true), "msgtype", "text", "text", Map.of("content", text));
    return sandbox.call(account, "/cgi-bin/message/mass/sendall", body).get("errcode").asInt();
  }

  @Test
  void oneSendADay() {
    var account = sandbox.subscription();
    String reader = sandbox.openid(account, 7);

    assertEquals(0, send(account, "今天"));
    assertEquals(45028, send(account, "再来一条"));
    sandbox.advance(Duration.ofDays(1));
    assertEquals(0, send(account, "明天"));

    sandbox.advance(Duration.ZERO);
    var texts = sandbox.inbox(account, reader).stream().map(entry -> entry.get("text").asText()).toList();
    assertEquals(List.of("今天", "明天"), texts);
  }

  @Test
  void everyTestHasItsOwnSandbox() {
    var account = sandbox.subscription();
    assertEquals(List.of(), sandbox.inbox(account, sandbox.openid(account, 7)));
  }
}
