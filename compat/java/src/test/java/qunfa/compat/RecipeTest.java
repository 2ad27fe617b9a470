package qunfa.compat;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

/** Runs the program that docs/sdk/wxjava.md shows, as a reader would. */
class RecipeTest extends SandboxTest {
  @Test
  void theRecipeSendsAndReceivesItsEvent() throws Exception {
    String java = Path.of(System.getProperty("java.home"), "bin", "java").toString();
    ProcessBuilder builder = new ProcessBuilder(java, "-cp", System.getProperty("java.class.path"),
        "recipe.WxJava", Sandbox.fixture("test.jpg").toString()).redirectErrorStream(true);
    builder.environment().put("QUNFA", box.base);
    Process recipe = builder.start();
    assertTrue(recipe.waitFor(60, TimeUnit.SECONDS));
    String printed = new String(recipe.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    Matcher found = Pattern.compile(
        "sent (\\d+)\nstatus SEND_SUCCESS\nevent (\\d+) send success: 500 of 500\n").matcher(printed);
    assertTrue(found.matches(), printed);
    assertEquals(found.group(1), found.group(2));
    assertEquals(0, recipe.exitValue(), printed);
    box.setCallback(null);
  }
}
