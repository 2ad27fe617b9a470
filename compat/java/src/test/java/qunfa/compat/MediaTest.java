package qunfa.compat;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayInputStream;
import java.io.File;
import java.nio.file.Files;
import me.chanjar.weixin.common.error.WxErrorException;
import me.chanjar.weixin.mp.api.WxMpService;
import me.chanjar.weixin.mp.bean.WxMpMassNews;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Uploads: temporary media, pictures inside articles, news. */
class MediaTest extends SandboxTest {
  @ParameterizedTest
  @CsvSource({"image,test.jpg", "image,test.png", "thumb,test.jpg", "voice,test.amr", "video,test.mp4"})
  void aMediumIsUploadedAndGetsAnIdOfItsOwn(String kind, String name) throws WxErrorException {
    WxMpService client = connect(Sandbox.SERVICE);
    assertNotEquals(upload(client, kind, name), upload(client, kind, name));
  }

  @ParameterizedTest
  @CsvSource({"image,test.jpg", "image,test.png", "voice,test.amr"})
  void aMediumComesBackAsItWas(String kind, String name) throws Exception {
    WxMpService client = connect(Sandbox.SERVICE);
    File file = client.getMaterialService().mediaDownload(upload(client, kind, name));
    assertArrayEquals(Sandbox.bytes(name), Files.readAllBytes(file.toPath()));
    assertTrue(file.getName().endsWith(name.substring(name.indexOf('.'))), file.getName());
    assertTrue(file.delete());
  }

  @Test
  void aMediumFromMemoryIsUploaded() throws WxErrorException {
    var stream = new ByteArrayInputStream(Sandbox.bytes("test.png"));
    var media = connect(Sandbox.SERVICE).getMaterialService().mediaUpload("image", "png", stream);
    assertEquals("image", media.getType());
  }

  @ParameterizedTest
  @CsvSource({"test.jpg", "test.png"})
  void aPictureForArticlesGetsAUrlWithTheSameBytes(String name) throws WxErrorException {
    String url = connect(Sandbox.SERVICE).getMaterialService()
        .mediaImgUpload(Sandbox.fixture(name).toFile()).getUrl();
    assertArrayEquals(Sandbox.bytes(name), box.fetch(url));
  }

  @Test
  void uploadsRefuseWithTheirCodes() {
    var materials = connect(Sandbox.SERVICE).getMaterialService();
    refused(40005, "invalid file type", () -> materials.mediaImgUpload(Sandbox.fixture("test.amr").toFile()));
    refused(40007, "invalid media_id", () -> materials.mediaDownload("no-such-id"));
  }

  @Test
  void eightArticlesAreUploadedNineAreRefused() throws WxErrorException {
    WxMpService client = connect(Sandbox.SERVICE);
    var masses = client.getMassMessageService();
    String thumb = upload(client, "thumb", "test.jpg");
    WxMpMassNews news = new WxMpMassNews();
    for (int i = 0; i < 8; i++) {
      news.addArticle(article(thumb, "", "一篇"));
    }
    masses.massNewsUpload(news);
    news.addArticle(article(thumb, "", "第九篇"));
    refused(45008, "", () -> masses.massNewsUpload(news));

    WxMpMassNews coverless = new WxMpMassNews();
    coverless.addArticle(article("no-such-cover", "", "没有封面"));
    refused(40007, "invalid media_id", () -> masses.massNewsUpload(coverless));
  }
}
