import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.URL;
import java.nio.charset.StandardCharsets;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Java's own two clients, as SDKs use them: HttpURLConnection for the token, java.net.http for the rest. */
public class Send {
    static final String API = "https://api.weixin.qq.com/cgi-bin/";

    static String find(String name, String json) {
        Matcher found = Pattern.compile("\"" + name + "\":\"?([^\",}]+)").matcher(json);
        if (!found.find()) throw new IllegalStateException("no " + name + " in " + json);
        return found.group(1);
    }

    static String post(HttpClient client, String path, String body) throws IOException, InterruptedException {
        HttpRequest request = HttpRequest.newBuilder(URI.create(API + path))
                .POST(HttpRequest.BodyPublishers.ofString(body)).build();
        return client.send(request, HttpResponse.BodyHandlers.ofString()).body();
    }

    public static void main(String[] args) throws Exception {
        String ask = "token?grant_type=client_credential&appid=" + args[0] + "&secret=" + args[1];
        String answer = new String(new URL(API + ask).openStream().readAllBytes(), StandardCharsets.UTF_8);
        String token = "?access_token=" + find("access_token", answer);
        HttpClient client = HttpClient.newBuilder().proxy(java.net.ProxySelector.getDefault()).build();
        String mass = "{\"filter\":{\"tag_id\":" + args[3] + "},\"text\":{\"content\":\"Java\"},\"msgtype\":\"text\"}";
        String id = find("msg_id", post(client, "message/mass/sendall" + token, mass));
        String status = "SENDING";
        while (status.equals("SENDING")) {
            Thread.sleep(100);
            status = find("msg_status", post(client, "message/mass/get" + token, "{\"msg_id\":" + id + "}"));
        }
        System.out.println("{\"msg_id\": " + id + ", \"status\": \"" + status + "\"}");
    }
}
