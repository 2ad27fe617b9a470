//! Usual causes and what to do, for the errcodes that integrators meet.

use super::Pair;

/// Causes and remedy of one code.
#[derive(Clone, Copy, Debug)]
pub struct Advice {
    /// The number on the wire.
    pub code: i64,
    /// Why it usually comes.
    pub causes: Pair,
    /// What to do.
    pub remedy: Pair,
}

/// The advice for a code.
pub fn find(code: i64) -> Option<&'static Advice> {
    ADVICE.iter().find(|advice| advice.code == code)
}

const fn advice(code: i64, causes: [&'static str; 2], remedy: [&'static str; 2]) -> Advice {
    let ([c_zh, c_en], [r_zh, r_en]) = (causes, remedy);
    Advice {
        code,
        causes: Pair {
            chinese: c_zh,
            english: c_en,
        },
        remedy: Pair {
            chinese: r_zh,
            english: r_en,
        },
    }
}

const ADVICE: &[Advice] = &[
    advice(
        -1,
        [
            "服务器内部故障或瞬时过载。",
            "A fault or a moment of overload on the server.",
        ],
        [
            "用相同参数重试，间隔逐次加长；群发请带 clientmsgid，避免重复发送。",
            "Repeat with the same arguments and growing pauses; give mass sends a clientmsgid so that nothing goes out twice.",
        ],
    ),
    advice(
        40_001,
        [
            "另一个进程或同事取了新的 token，旧的失效；缓存里是旧 token；token 属于另一个环境或公众号；取 token 时 secret 错误。",
            "Another process or colleague fetched a new token and ended yours; a cache holds an old one; the token is of another environment or account.",
        ],
        [
            "只在一处获取并缓存 token（或改用 stable_token）；收到 40001 时刷新一次再重试一次。沙盒规则 token-overlap-two-processes 可以重现。",
            "Fetch and cache the token in one place, or use stable_token; on 40001 refresh once and repeat once. The rule token-overlap-two-processes plays it.",
        ],
    ),
    advice(
        40_002,
        [
            "拼写错误，或照抄了网页授权的 authorization_code。",
            "A misspelling, or authorization_code copied from web login.",
        ],
        [
            "填 grant_type=client_credential。",
            "Send grant_type=client_credential.",
        ],
    ),
    advice(
        40_003,
        [
            "OpenID 来自另一个公众号或测试号；复制时截断；填成了 UnionID 或微信号。",
            "The OpenID is of another account or test account, was cut when copied, or is a UnionID or a name.",
        ],
        [
            "用同一公众号 user/get 返回的 OpenID；微信号请用 towxname。",
            "Use OpenIDs that user/get of the same account returned; for names use towxname.",
        ],
    ),
    advice(
        40_004,
        [
            "type 只能是 image、voice、video、thumb。",
            "type must be image, voice, video or thumb.",
        ],
        ["检查查询串中的 type。", "Check type in the query."],
    ),
    advice(
        40_005,
        [
            "uploadimg 只收 jpg/png；文件内容与扩展名不符。",
            "uploadimg takes jpg and png only; the bytes do not fit the extension.",
        ],
        ["转换格式后再上传。", "Convert the file and upload it again."],
    ),
    advice(
        40_006,
        ["文件为空或读取失败。", "The file is empty or could not be read."],
        [
            "检查上传时是否真的读到了内容。",
            "Check that the client really read the file.",
        ],
    ),
    advice(
        40_007,
        [
            "临时素材三天后过期；media_id 属于另一个公众号；把 url 或缩略图的 id 当成图文 id；草稿群发后已被删除。",
            "Temporary media lives three days; the media_id is of another account; a URL or a thumb's id was used for news; the draft died with its send.",
        ],
        [
            "重新上传并立即使用；图文用 uploadnews 或 draft/add 返回的 media_id。",
            "Upload again and use it at once; for news use the media_id of uploadnews or draft/add.",
        ],
    ),
    advice(
        40_008,
        [
            "msgtype 拼错，或 msgtype 与内容对象不一致，例如 msgtype=mpnews 却只给 text。",
            "msgtype is misspelt or does not fit the object beside it, such as mpnews with only a text.",
        ],
        [
            "让 msgtype 与对象同名；视频群发用 mpvideo。",
            "Give the object that msgtype names; videos go out as mpvideo.",
        ],
    ),
    advice(
        40_009,
        [
            "图片超过 10 MB;uploadimg 超过 1 MB；缩略图超过 64 KB 时是 40012。",
            "Over 10 MB, or over 1 MB for uploadimg; thumbnails have 40012.",
        ],
        ["压缩图片。", "Compress the picture."],
    ),
    advice(
        40_010,
        ["语音超过 2 MB。", "The voice file is over 2 MB."],
        [
            "压缩或截短，不超过 60 秒。",
            "Compress or cut it, 60 seconds at most.",
        ],
    ),
    advice(
        40_011,
        ["视频超过 10 MB。", "The video is over 10 MB."],
        ["压缩视频。", "Compress the video."],
    ),
    advice(
        40_012,
        ["缩略图超过 64 KB。", "The thumbnail is over 64 KB."],
        ["压缩成较小的 JPG。", "Make a smaller JPG."],
    ),
    advice(
        40_013,
        [
            "appid 拼错，或填了另一个环境的 appid。",
            "The appid is misspelt or of another environment.",
        ],
        [
            "核对配置；沙盒的 appid 是 wx0000000000000001 到 …03。",
            "Check the settings; the sandbox has wx0000000000000001 to …03.",
        ],
    ),
    advice(
        40_032,
        [
            "mass/send 超过 10000 个；批量接口超过 20、50 或 100 个；列表为空。",
            "Over 10000 in mass/send, over 20, 50 or 100 in batch calls, or an empty list.",
        ],
        [
            "分批调用；群发列表分批会各占一次额度，更宜改用标签。",
            "Split the list; every part of a mass uses a slot, so a tag may be better.",
        ],
    ),
    advice(
        40_035,
        [
            "缺字段，或字段类型不符。",
            "A field is missing or of the wrong type.",
        ],
        ["对照文档检查请求体。", "Compare the body with the documentation."],
    ),
    advice(
        40_059,
        [
            "msg_id 来自另一个公众号；把 msg_data_id 当成了 msg_id。",
            "The msg_id is of another account, or msg_data_id was given for it.",
        ],
        [
            "用群发返回的 msg_id。",
            "Use the msg_id that the mass send returned.",
        ],
    ),
    advice(
        40_060,
        [
            "article_idx 超过文章数；从 1 开始计数，0 表示全部。",
            "article_idx is beyond the articles; it counts from 1, 0 is all.",
        ],
        ["检查序号。", "Check the index."],
    ),
    advice(
        40_065,
        [
            "群发还没完成，或已失败、已删除。",
            "The mass is not finished, failed, or is deleted already.",
        ],
        [
            "等到 MASSSENDJOBFINISH 的 send success 之后再删。",
            "Delete after MASSSENDJOBFINISH said send success.",
        ],
    ),
    advice(
        40_066,
        [
            "路径拼错，或缺少 /cgi-bin。",
            "The path is misspelt or lacks /cgi-bin.",
        ],
        ["核对路径。", "Check the path."],
    ),
    advice(
        40_125,
        [
            "secret 拼错、已重置，或与 appid 不配。",
            "The secret is misspelt, was reset, or is of another appid.",
        ],
        [
            "重新复制 secret，更新配置。",
            "Copy the secret again and update the settings.",
        ],
    ),
    advice(
        40_130,
        ["touser 只有一个人。", "touser holds one person."],
        [
            "发给一个人请用预览或客服消息。",
            "For one person use preview or a customer message.",
        ],
    ),
    advice(
        40_132,
        [
            "填的不是粉丝的微信号（沙盒中为外部 id）。",
            "It is not the name of a follower (in the sandbox: the external id).",
        ],
        ["改用 touser 的 OpenID。", "Use touser with an OpenID."],
    ),
    advice(
        40_137,
        [
            "文件损坏，或扩展名是图片而内容不是。",
            "The file is damaged or is no picture.",
        ],
        ["换一个能打开的图片。", "Use a picture that opens."],
    ),
    advice(
        40_152,
        [
            "tag_id 不存在、已删除，或 is_to_all=false 却没有 tag_id。",
            "The tag_id is unknown or deleted, or is_to_all is false without one.",
        ],
        ["先用 tags/get 查询标签。", "Look the tag up with tags/get."],
    ),
    advice(
        40_164,
        [
            "服务器出口 IP 变了，或在本机调试。",
            "The server's outgoing address changed, or the call came from a developer's machine.",
        ],
        [
            "把返回文本中的 IP 加到白名单。",
            "Put the address of the reply onto the list.",
        ],
    ),
    advice(
        40_227,
        [
            "articles 中某一篇没有 title。",
            "One of the articles has no title.",
        ],
        ["补上标题。", "Add a title."],
    ),
    advice(
        41_001,
        [
            "token 放进了请求体或请求头；变量为空。",
            "The token was put into the body or a header, or the variable is empty.",
        ],
        [
            "放进查询串：？access_token=…",
            "Put it into the query: ?access_token=…",
        ],
    ),
    advice(
        41_005,
        [
            "表单字段名不是 media;SDK 没有带文件名。",
            "The form's field is not named media, or the SDK sent no file name.",
        ],
        [
            "字段名用 media，并带文件名。",
            "Name the field media and send a file name.",
        ],
    ),
    advice(
        41_006,
        [
            "请求体没有 media_id 或为空。",
            "The body has no media_id, or an empty one.",
        ],
        [
            "检查上一步上传是否成功。",
            "Check that the upload before it succeeded.",
        ],
    ),
    advice(
        42_001,
        [
            "token 超过 7200 秒；缓存时间比 expires_in 长；时钟不准。",
            "More than 7200 seconds passed; the cache lives longer than expires_in; a clock is wrong.",
        ],
        [
            "在过期前几分钟刷新；收到 42001 时刷新一次并重试一次。沙盒规则 token-expired 可以重现。",
            "Refresh some minutes early; on 42001 refresh once and repeat once. The rule token-expired plays it.",
        ],
    ),
    advice(
        42_010,
        ["短时间内连续群发。", "Masses followed each other within moments."],
        ["间隔后重试。", "Pause and repeat."],
    ),
    advice(
        43_002,
        [
            "用 GET 调用了 POST 接口；重定向把 POST 变成了 GET。",
            "A POST call was made with GET; a redirect turned POST into GET.",
        ],
        ["改用 POST。", "Use POST."],
    ),
    advice(
        43_004,
        [
            "预览对象没有关注公众号。",
            "The person of the preview does not follow the account.",
        ],
        ["先关注，再预览。", "Let them follow first."],
    ),
    advice(
        43_019,
        [
            "预览对象在黑名单中。",
            "The person of the preview is on the blacklist.",
        ],
        ["先移出黑名单。", "Take them off the blacklist first."],
    ),
    advice(
        44_002,
        ["没有发送请求体，或 Content-Length 为 0。", "No body was sent."],
        [
            "检查客户端是否真的写了请求体。",
            "Check that the client writes the body.",
        ],
    ),
    advice(
        44_003,
        ["articles 为空数组。", "articles is empty."],
        ["至少给一篇文章。", "Give at least one article."],
    ),
    advice(
        44_004,
        [
            "文本内容为空，或文章正文被清理后为空。",
            "The text is empty, or nothing of the article is left once it is cleaned.",
        ],
        [
            "检查内容；不允许的标签会被去掉。",
            "Check the content; forbidden markup is removed.",
        ],
    ),
    advice(
        45_002,
        [
            "文本或正文超过长度上限。",
            "The text or body is beyond its limit.",
        ],
        ["缩短内容，或拆成多篇。", "Shorten it or split it."],
    ),
    advice(
        45_003,
        ["标题超过 64 个字。", "The title has more than 64 characters."],
        ["缩短标题。", "Shorten the title."],
    ),
    advice(
        45_004,
        ["摘要超过 120 个字。", "The digest has more than 120 characters."],
        ["缩短摘要。", "Shorten the digest."],
    ),
    advice(
        45_008,
        ["一条图文超过 8 篇。", "More than 8 articles in one news."],
        ["减到 8 篇以内。", "Give 8 at most."],
    ),
    advice(
        45_009,
        [
            "服务号每天 100 次群发调用已用完；预览、上传图文等另有每日上限。",
            "The 100 mass calls of a service account's day are used up; previews and uploads have limits of their own.",
        ],
        [
            "等到次日零点（北京时间），或用 clear_quota 清零。沙盒中可以拨快时钟。",
            "Wait for midnight in Beijing, or use clear_quota. In the sandbox move the clock.",
        ],
    ),
    advice(
        45_011,
        [
            "一分钟内群发调用超过 60 次。",
            "More than 60 mass calls in a minute.",
        ],
        ["放慢；下一分钟再试。", "Slow down; repeat in the next minute."],
    ),
    advice(
        45_028,
        [
            "订阅号当天已群发过；服务号当月的群发（进入历史消息的）已满 4 次；校验失败的调用不占额度。",
            "The subscription account has sent today, or the service account has used its 4 sends to all of the month; calls that fail a check use nothing.",
        ],
        [
            "等到次日或下月（北京时间）；测试时用 POST /sandbox/clock 拨快时钟，或修改账号的 quota。",
            "Wait for the next day or month in Beijing; in a test move the clock with POST /sandbox/clock or change the account's quota.",
        ],
    ),
    advice(
        45_052,
        ["该类型不能群发。", "This type cannot be sent to many."],
        ["换一种消息类型。", "Use another type."],
    ),
    advice(
        45_056,
        ["标签满 100 个。", "There are 100 tags."],
        ["删除不用的标签。", "Delete unused tags."],
    ),
    advice(
        45_057,
        ["标签下超过 10 万粉丝。", "The tag has over 100,000 followers."],
        ["先取消部分粉丝的标签。", "Untag some of them first."],
    ),
    advice(
        45_058,
        ["修改了 id 0、1、2 的系统标签。", "Tags 0, 1 and 2 are built in."],
        ["使用自建标签。", "Use tags of your own."],
    ),
    advice(
        45_059,
        ["该粉丝已有 20 个标签。", "The follower has 20 tags."],
        ["先取消一些。", "Untag some first."],
    ),
    advice(
        45_065,
        [
            "24 小时内同一 clientmsgid 已受理，多半是超时后的重试。",
            "A call with the same clientmsgid was accepted within 24 hours, mostly one whose answer was lost.",
        ],
        [
            "视为成功，使用返回的 msg_id；新的群发用新的 clientmsgid。",
            "Take it for success and use the msg_id of the reply; a new mass needs a new clientmsgid.",
        ],
    ),
    advice(
        45_066,
        [
            "相同 clientmsgid 的两个请求同时到达。",
            "Two calls with one clientmsgid came at the same time.",
        ],
        [
            "一分钟后用同一 clientmsgid 重试。",
            "Repeat with the same clientmsgid after a minute.",
        ],
    ),
    advice(
        45_067,
        ["clientmsgid 超过 64 字节。", "It has over 64 bytes."],
        ["改用更短的 id 或散列。", "Use a shorter id or a digest."],
    ),
    advice(
        45_083,
        ["speed 只能是 0 到 4。", "speed is 0 to 4."],
        ["改为允许的级别。", "Use one of the levels."],
    ),
    advice(
        45_157,
        ["标签名为空或重复。", "The name is empty or in use."],
        [
            "换一个名字，或先用 tags/get 查询。",
            "Choose another, or look with tags/get.",
        ],
    ),
    advice(
        45_159,
        ["标签不存在或已删除。", "The tag is unknown or deleted."],
        ["先用 tags/get 查询。", "Look with tags/get first."],
    ),
    advice(
        47_001,
        [
            "请求体不是 JSON：表单编码、多余逗号、GBK 编码，或 SDK 把 JSON 又转成了字符串。",
            "The body is no JSON: form encoding, a stray comma, GBK, or JSON inside a string.",
        ],
        [
            "用 UTF-8 的 JSON 对象。请求体可在检查器中查看。",
            "Send a JSON object in UTF-8. The inspector shows what came.",
        ],
    ),
    advice(
        48_001,
        [
            "账号未认证；测试号不能群发；订阅号调用了只属于服务号的接口。",
            "The account is not verified; test accounts cannot mass-send; the call is for service accounts only.",
        ],
        [
            "换用已认证账号；沙盒中 wx…01 和 wx…02 已认证，wx…03 未认证。",
            "Use a verified account; in the sandbox wx…01 and wx…02 are, wx…03 is not.",
        ],
    ),
    advice(
        48_002,
        ["粉丝拒收消息，预览无法送达。", "The follower refuses messages."],
        ["换一个粉丝。", "Preview to another follower."],
    ),
    advice(
        48_004,
        ["公众号被停用。", "The account was disabled."],
        ["联系平台。", "Ask the platform."],
    ),
    advice(
        48_006,
        [
            "clear_quota 每月 10 次已用完。",
            "The 10 clearings of the month are used up.",
        ],
        ["等到下月。", "Wait for the next month."],
    ),
    advice(
        48_008,
        ["公众号不能发送这种消息。", "The account may not send this type."],
        ["换一种消息类型。", "Use another type."],
    ),
    advice(
        50_005,
        ["给已取消关注的人打标签。", "A person who left was to be tagged."],
        ["先刷新粉丝列表。", "Refresh the list of followers."],
    ),
    advice(
        88_000,
        ["公众号没有开通留言。", "Comments are not opened for the account."],
        [
            "在账号设置中打开 comment_enabled。",
            "Set comment_enabled of the account.",
        ],
    ),
    advice(
        89_504,
        [
            "上一次群发还没被管理员处理。",
            "The administrator has not decided on the mass before.",
        ],
        [
            "等待其确认，或 30 分钟后自动失败。",
            "Wait for the decision, or 30 minutes until it fails by itself.",
        ],
    ),
    advice(
        89_505,
        ["账号开启了群发保护。", "The account's sends are protected."],
        [
            "由管理员确认；结果以事件为准。",
            "Let the administrator confirm; the event tells how it ended.",
        ],
    ),
    advice(
        268_488_001,
        ["群发系统瞬时繁忙。", "Mass sending is busy for a moment."],
        [
            "用同一 clientmsgid 稍后重试。",
            "Repeat a little later with the same clientmsgid.",
        ],
    ),
];

/// The codes that have advice.
#[cfg(test)]
pub fn codes() -> Vec<i64> {
    ADVICE.iter().map(|advice| advice.code).collect()
}
