package qunfa.compat;

import java.util.List;
import me.chanjar.weixin.common.api.WxConsts.MassMsgType;
import me.chanjar.weixin.common.error.WxErrorException;
import me.chanjar.weixin.mp.api.WxMpMassMessageService;
import me.chanjar.weixin.mp.api.WxMpService;
import me.chanjar.weixin.mp.bean.WxMpMassOpenIdsMessage;
import me.chanjar.weixin.mp.bean.WxMpMassPreviewMessage;
import me.chanjar.weixin.mp.bean.WxMpMassTagMessage;
import org.junit.jupiter.api.Test;

/** Errors arrive as WxErrorException with the number and the text of the document. */
class ErrorsTest extends SandboxTest {
  private static WxMpMassOpenIdsMessage textTo(List<String> openids, String content) {
    WxMpMassOpenIdsMessage message = new WxMpMassOpenIdsMessage();
    message.setToUsers(openids);
    message.setMsgType(MassMsgType.TEXT);
    message.setContent(content);
    return message;
  }

  @Test
  void aRefusalKeepsItsNumberAndText() throws WxErrorException {
    WxMpService client = connect(Sandbox.SERVICE);
    WxMpMassMessageService masses = client.getMassMessageService();
    List<String> one = everybody(client).subList(0, 1);
    long tag = Sandbox.TAG_HUNDREDTH;
    WxMpMassTagMessage image = toTag(tag, MassMsgType.IMAGE);
    image.setMediaId("no-such-id");
    refused(40007, "invalid media_id", () -> masses.massGroupMessageSend(image));
    WxMpMassPreviewMessage preview = new WxMpMassPreviewMessage();
    preview.setToWxUserOpenid("o" + "x".repeat(27));
    preview.setMsgType(MassMsgType.TEXT);
    preview.setContent("谁？");
    refused(40003, "invalid openid", () -> masses.massMessagePreview(preview));
    refused(40059, "invalid msg id", () -> masses.messageMassGet(999L));
    refused(40059, "invalid msg id", () -> masses.delete(999L, null));
    refused(40130, "invalid openid list size", () -> masses.massOpenIdsMessageSend(textTo(one, "一个人不成群")));
    refused(40152, "invalid group id", () -> masses.massGroupMessageSend(text(Sandbox.TAG_NOBODY_HAS, "没有")));
    refused(44004, "empty content", () -> masses.massGroupMessageSend(text(tag, "")));
    refused(45002, "content size out of limit", () -> masses.massGroupMessageSend(text(tag, "长".repeat(683))));
    WxMpMassTagMessage longKey = text(tag, "x");
    longKey.setClientMsgId("k".repeat(65));
    refused(45067, "clientmsgid", () -> masses.massGroupMessageSend(longKey));
  }

  @Test
  void theSameTextToTheSameAudienceIsSentOnce() throws WxErrorException {
    WxMpService client = connect(Sandbox.SERVICE);
    WxMpMassTagMessage message = text(Sandbox.TAG_HUNDREDTH, unique("只发一次"));
    delivered(client, client.getMassMessageService().massGroupMessageSend(message));
    refused(45065, "clientmsgid exist", () -> client.getMassMessageService().massGroupMessageSend(message));
  }

  @Test
  void aTextCannotBeDeleted() throws WxErrorException {
    WxMpService client = connect(Sandbox.SERVICE);
    WxMpMassMessageService masses = client.getMassMessageService();
    long msgId = delivered(client, masses.massGroupMessageSend(text(Sandbox.TAG_HUNDREDTH, unique("收不回来"))));
    refused(40008, "invalid message type", () -> masses.delete(msgId, null));
  }

  @Test
  void accountsWithoutTheRightAreRefused() throws WxErrorException {
    refused(48001, "api unauthorized",
        () -> connect(Sandbox.UNVERIFIED).getMassMessageService().massGroupMessageSend(textToAll("未认证")));
    WxMpService subscription = connect(Sandbox.SUBSCRIPTION);
    List<String> two = subscription.getUserService().userList(null).getOpenids().subList(0, 2);
    refused(48001, "api unauthorized",
        () -> subscription.getMassMessageService().massOpenIdsMessageSend(textTo(two, "订阅号不可用")));
  }

  @Test
  void aSubscriptionAccountSendsOnceADay() throws WxErrorException {
    WxMpMassMessageService masses = connect(Sandbox.SUBSCRIPTION).getMassMessageService();
    masses.massGroupMessageSend(textToAll(unique("今天的一封")));
    refused(45028, "has no masssend quota", () -> masses.massGroupMessageSend(textToAll(unique("今天的第二封"))));
  }

  @Test
  void aDailyLimitKeepsItsCode() {
    box.setQuota(Sandbox.SERVICE, "calls_per_day", 0);
    try {
      refused(45009, "", () -> connect(Sandbox.SERVICE).getMassMessageService()
          .massGroupMessageSend(textToAll(unique("今天的次数用完了"))));
    } finally {
      box.setQuota(Sandbox.SERVICE, "calls_per_day", null);
    }
  }
}
