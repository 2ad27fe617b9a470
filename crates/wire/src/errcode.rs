//! The table of errcodes: number, exact text, and one sentence for the caller.
//!
//! Texts marked as observed in real traffic are kept letter by letter, misspellings included, because clients
//! match on them. Which situation gets which code is decided by the server, not here. A number is never reused.

#[cfg(test)]
mod tests;

errcodes! {
    /// Something failed on the server; the same call may be repeated.
    SystemError = -1, "system error";
    /// The access token is unknown, or no longer the latest; fetch a new one.
    InvalidCredential = 40001, "invalid credential, access_token is invalid or not latest";
    /// The grant type must be client_credential.
    InvalidGrantType = 40002, "invalid grant_type";
    /// The OpenID is malformed, unknown, or missing where one is needed.
    InvalidOpenId = 40003, "invalid openid";
    /// The media type is not one of the allowed words.
    InvalidMediaType = 40004, "invalid media type";
    /// The format of the file is not allowed here.
    InvalidFileType = 40005, "invalid file type";
    /// The size of the file is zero or not allowed.
    InvalidMediaSize = 40006, "invalid meida size";
    /// The media_id is unknown, expired, deleted, or of the wrong kind.
    InvalidMediaId = 40007, "invalid media_id";
    /// The message type is unknown, its object is missing, or it cannot be deleted.
    InvalidMessageType = 40008, "invalid message type";
    /// The picture is too large.
    InvalidImageSize = 40009, "invalid image size";
    /// The voice file is too large.
    InvalidVoiceSize = 40010, "invalid voice size";
    /// The video is too large.
    InvalidVideoSize = 40011, "invalid video size";
    /// The thumbnail is too large.
    InvalidThumbSize = 40012, "invalid thumb size";
    /// The appid is unknown.
    InvalidAppId = 40013, "invalid appid";
    /// The access token cannot be a token of this server.
    InvalidAccessToken = 40014, "invalid access_token";
    /// The list of OpenIDs is not an array of strings.
    InvalidOpenIdList = 40031, "invalid openid list";
    /// The list of OpenIDs is empty or too long.
    InvalidOpenIdListSize = 40032, "invalid openid list size";
    /// Unicode escapes are not understood; this server accepts them and never answers this.
    InvalidCharset = 40033, "invalid charset. please check your request, if include \\uxxxx will create fail!";
    /// A required parameter is missing or of the wrong type.
    InvalidArgsSize = 40035, "invalid args size";
    /// The group id is unknown; the text is the original's.
    InvalidTimelineType = 40050, "invalid timeline type";
    /// The group name is not allowed.
    InvalidGroupName = 40051, "invalid group name";
    /// The msg_id is unknown, or none was given.
    InvalidMsgId = 40059, "invalid msg id";
    /// The message has no article at this position.
    InvalidArticleIdx = 40060, "invalid article idx";
    /// The message was not sent successfully, so it cannot be deleted.
    InvalidMsgStatus = 40065, "invalid msg status";
    /// There is no such API path.
    InvalidUrl = 40066, "invalid url";
    /// The card id is unknown.
    InvalidCardId = 40073, "invalid card id";
    /// The remark is too long.
    InvalidRemarkName = 40092, "invalid remark name";
    /// An argument is not understood.
    InvalidArgs = 40097, "invalid args";
    /// Files of this type cannot be uploaded.
    UnsupportedFileType = 40113, "unsupported file type";
    /// The news has no article at this index.
    InvalidIndexValue = 40114, "invalid index value";
    /// The appsecret is wrong.
    InvalidAppSecret = 40125, "invalid appsecret";
    /// A mass send by list needs at least two OpenIDs.
    AtLeastTwoOpenIds = 40130, "invalid openid list size, at least two openid";
    /// No follower has this name.
    InvalidUsername = 40132, "invalid username";
    /// The picture cannot be decoded.
    InvalidImageFormat = 40137, "invalid image format";
    /// The tag or group is unknown or missing.
    InvalidGroupId = 40152, "invalid group id";
    /// The article links to another account's profile.
    OtherHomePageUrl = 40155, "please don't contain other home page url";
    /// The caller's address is not on the account's list; the reply names the address.
    IpNotInWhitelist = 40164, "invalid ip, not in whitelist";
    /// The author's name is too long.
    InvalidAuthor = 40192, "invalid author in news";
    /// The recommendation text of the pictures is too long.
    InvalidRecommendLength = 40193, "invalid recommend length";
    /// The recommendation text of the pictures is not allowed.
    IllegalRecommend = 40194, "illegal recommend";
    /// The account has no callback URL to be checked.
    InvalidCallbackUrl = 40201, "invalid url";
    /// The action of the callback check is unknown.
    InvalidAction = 40202, "invalid action";
    /// The operator of the callback check is unknown.
    InvalidCheckOperator = 40203, "invalid check_operator";
    /// The article cannot be deleted; this server never answers this.
    CannotDeleteRumorArticle = 40204, "can not delete wash or rumor article";
    /// The message has no picture, or too many.
    InvalidImageCount = 40215, "invalid image count";
    /// An article has no title.
    TitleEmpty = 40227, "title is empty";
    /// The operator has frozen the appsecret.
    AppSecretFrozen = 40243, "appsecret is frozen";
    /// The query has no access_token.
    AccessTokenMissing = 41001, "access_token missing";
    /// The appid is missing.
    AppIdMissing = 41002, "appid missing";
    /// The appsecret is missing.
    AppSecretMissing = 41004, "appsecret missing";
    /// The upload has no part named media.
    MediaDataMissing = 41005, "media data missing";
    /// The media_id is missing.
    MediaIdMissing = 41006, "media_id missing";
    /// The openid is missing.
    OpenIdMissing = 41009, "missing openid";
    /// The link of an article is not an http or https address.
    InvalidContentSourceUrl = 41039, "invalid content_source_url";
    /// An article is declared original without the right to do so.
    CopyrightNotMet = 41040, "content not meet copyright requirement";
    /// The access token is past its time; fetch a new one.
    AccessTokenExpired = 42001, "access_token expired";
    /// Mass sends follow each other too quickly; try again.
    MassSendTooFast = 42010, "masssend fast, retry again";
    /// The call must be made with GET.
    RequireGet = 43001, "require GET method";
    /// The call must be made with POST.
    RequirePost = 43002, "require POST method";
    /// The call must be made over https.
    RequireHttps = 43003, "require https";
    /// The person does not follow the account.
    RequireSubscribe = 43004, "require subscribe";
    /// The follower is on the blacklist.
    RequireRemoveBlacklist = 43019, "require remove blacklist";
    /// The uploaded file has no bytes.
    EmptyMediaData = 44001, "empty media data";
    /// The request has no body.
    EmptyPostData = 44002, "empty post data";
    /// The request has no articles.
    EmptyNewsData = 44003, "empty news data";
    /// The text or the body of an article is empty.
    EmptyContent = 44004, "empty content";
    /// The list has no items.
    EmptyListSize = 44005, "empty list size";
    /// The upload is larger than the server takes.
    MediaSizeOutOfLimit = 45001, "media size out of limit";
    /// The text or the body of an article is too long.
    ContentSizeOutOfLimit = 45002, "content size out of limit";
    /// The title is too long.
    TitleSizeOutOfLimit = 45003, "title size out of limit";
    /// The digest or the description is too long.
    DescriptionSizeOutOfLimit = 45004, "description size out of limit";
    /// A link is too long.
    UrlSizeOutOfLimit = 45005, "url size out of limit";
    /// The link of a picture is too long.
    PicUrlSizeOutOfLimit = 45006, "picurl size out of limit";
    /// The voice message plays too long.
    PlayTimeOutOfLimit = 45007, "playtime out of limit";
    /// The news has too many articles.
    ArticleCountOutOfLimit = 45008, "article size out of limit";
    /// The calls of the day are used up.
    DailyQuotaReached = 45009, "reach max api daily quota limit";
    /// The calls of the minute are used up; try again in the next minute.
    MinuteQuotaReached = 45011, "api minute-quota reach limit, must slower, retry next minute";
    /// The built-in groups cannot be changed.
    CannotModifySystemGroup = 45016, "can't modify sys group";
    /// The group name is too long.
    GroupNameTooLong = 45017, "can't set group name too long sys group";
    /// The account has too many groups.
    TooManyGroups = 45018, "too many group now, no need to add new";
    /// The account's mass sends are used up.
    NoMassSendQuota = 45028, "has no masssend quota";
    /// A monthly limit is reached; mass sends never get this.
    MonthlyQuotaReached = 45040, "reach max monthly quota limit";
    /// A message of this type cannot be mass-sent.
    MassSendInvalidType = 45052, "masssend msg use invalid type";
    /// The account has too many tags.
    TooManyTags = 45056, "too many tag now, no need to add new";
    /// The tag has too many followers to be deleted.
    TagHasTooManyFollowers = 45057, "can't delete the tag that has too many fans";
    /// The built-in tags cannot be changed.
    CannotModifySystemTag = 45058, "can't modify sys tag";
    /// The follower would have too many tags.
    TooManyTagsOnFollower = 45059, "can not tagging one user too much";
    /// The material is used by a menu and cannot be deleted.
    MediaInUseByMenu = 45060, "media is applied in ivr or menu, can not be deleted";
    /// The account has an advertising contract; this server never answers this.
    HasAdAgreement = 45062, "has agreement ad. please use mp.weixin.qq.com";
    /// The clientmsgid was used in the last 24 hours; the reply has the earlier msg_id.
    ClientMsgIdExists = 45065, "clientmsgid exist";
    /// The first call with this clientmsgid is not decided yet; try again in a minute.
    ClientMsgIdTooFast = 45066, "same clientmsgid retry too fast";
    /// The clientmsgid is too long.
    ClientMsgIdTooLong = 45067, "clientmsgid size out of limit";
    /// The material library is full.
    MaterialListFull = 45074, "material list size out of limit, you  should delete the useless material";
    /// The number of items asked for is out of range.
    InvalidCount = 45076, "invalid count";
    /// The speed is none of the levels.
    SpeedOutOfRange = 45083, "the speed out of range";
    /// The speed is missing.
    SpeedMissing = 45084, "No speed message";
    /// The speed could not be read or set; try again.
    SpeedServerError = 45085, "speed server err";
    /// An article names an unknown mini-program.
    InvalidMiniProgramAppId = 45086, "invalid attrbute 'data-miniprogram-appid'";
    /// The call was retired by the original; this server never answers this.
    ApiUnsupported = 45103, "This API has been unsupported";
    /// The call was retired by the original in favour of another; this server never answers this.
    ApiUnsupportedSeeDocs = 45106, "This API has been unsupported. For more details, please view the documentation";
    /// Cards and products can no longer be published.
    CardPublishingUnsupported = 45113, "publishing cards or products is no longer supported";
    /// The tag name is empty or already in use.
    InvalidTagName = 45157, "invalid tag name";
    /// The tag name is too long.
    TagNameTooLong = 45158, "tag name too long";
    /// The tag is unknown.
    InvalidTagId = 45159, "invalid tag id";
    /// The video must first go through media/uploadvideo.
    VideoNotFromUploadCall = 45161, "this video id must be generated by calling upload api";
    /// The message type is not allowed here.
    InvalidType = 45162, "invalid type";
    /// The content of the draft is not allowed.
    InvalidContent = 45166, "invalid content";
    /// One of the OpenIDs is being changed by another call; try again.
    OpenIdTooManyRequests = 45169, "openid much req";
    /// Some of the OpenIDs could not be changed; the reply lists them.
    SomeOpenIdsFailed = 45171, "some openid fail";
    /// The media is known, but its bytes are lost.
    MediaDataNotFound = 46001, "media data no exist";
    /// There is no such menu.
    MenuNotFound = 46003, "menu no exist";
    /// There is no such person.
    UserNotFound = 46004, "user no exist";
    /// The body is not a JSON object.
    DataFormatError = 47001, "data format error";
    /// An argument has a value that is not allowed.
    ArgumentInvalid = 47003, "argument invalid!";
    /// The account may not make this call.
    ApiUnauthorized = 48001, "api unauthorized";
    /// The follower refuses messages.
    UserBlocksMessages = 48002, "user block receive message";
    /// The operator has not accepted the terms of mass sending.
    MassSendProtocolNotAgreed = 48003, "user not agree mass-send protocol";
    /// The account is disabled.
    ApiForbidden = 48004, "api forbidden for irregularities, view detail on mp.weixin.qq.com";
    /// The material is used by an automatic reply or a menu and cannot be deleted.
    MaterialInUse = 48005, "forbid to delete material used by auto-reply or menu";
    /// The quota has been cleared too often this month.
    ClearQuotaForbidden = 48006, "forbid to clear quota because of reaching the limit";
    /// The account may not send messages of this type.
    MessageTypeForbidden = 48008, "no permission for this msgtype";
    /// The video does not come from the new upload call.
    VideoNotFromNewCall = 48013, "video is not from the new upload api";
    /// The review of the video is in an unexpected state.
    VideoReviewAbnormal = 48014, "video review status is abnormal";
    /// The draft was last saved automatically; save it by hand first.
    DraftSavedAutomatically = 48021, "draft was last saved automatically";
    /// Videos uploaded through the API are not allowed here.
    ApiVideoNotAllowed = 48022, "video uploaded by api is not allowed";
    /// The OpenID belongs to another account; this server answers 40003 instead.
    OpenIdOfAnotherAccount = 49003, "not match openid with appid";
    /// Neither the call nor the person is authorised.
    UserUnauthorized = 50001, "api unauthorized or user unauthorized";
    /// The account is restricted.
    UserLimited = 50002, "user limited";
    /// The account may not fetch tokens.
    TokenForbidden = 50004, "access_token is forbidden for this account";
    /// The person no longer follows the account.
    UserUnsubscribed = 50005, "user is unsubscribed";
    /// The account is frozen.
    AccountFrozen = 50007, "account is frozen";
    /// The account may not sell goods; remove them from the draft.
    GoodsForbidden = 53404, "account may not sell goods, remove the product";
    /// The product in the draft is not described correctly.
    InvalidProductInfo = 53405, "invalid product info";
    /// The account has not opened the sale of goods.
    GoodsNotOpened = 53406, "sale of goods is not opened";
    /// The draft did not pass the checks before publishing.
    DraftCheckFailed = 53503, "draft did not pass the publish check";
    /// The draft can only be used on the operators' site.
    DraftNeedsConsole = 53504, "draft must be used on the operator site";
    /// The draft must be saved by hand before it is published.
    DraftNotSaved = 53505, "save the draft by hand before publishing";
    /// The article_id is unknown.
    InvalidArticleId = 53600, "invalid article id";
    /// A date is not written as YYYY-MM-DD.
    DateFormatError = 61500, "date format error";
    /// The range of dates is too long, reversed, or not over yet.
    DateRangeError = 61501, "date range error";
    /// The figures of that day are not ready yet.
    DataNotReady = 61503, "data not ready";
    /// The rid is unknown.
    RidNotFound = 76001, "rid not found";
    /// The rid is malformed.
    InvalidRid = 76002, "rid is error";
    /// The rid or the path belongs to another account.
    RidNoPermission = 76003, "could not query this rid, no permission";
    /// The rid is too old.
    RidExpired = 76004, "rid is expired, can only query rid within 7 days";
    /// The cgi_path is unknown.
    CgiPathNotFound = 76021, "cgi_path not found, please check";
    /// The account may not use this cgi_path.
    CgiPathNoPermission = 76022, "could not use this cgi_path，no permission";
    /// The account may not use comments.
    NoCommentPrivilege = 88000, "without comment privilege";
    /// The msg_data_id is unknown.
    MsgDataNotFound = 88001, "msg_data is not exists";
    /// The article is restricted for safety.
    ArticleLimited = 88002, "the article is limit for safety";
    /// The article has too many elected comments.
    ElectedCommentLimit = 88003, "elected comment upper limit";
    /// The reader has deleted the comment.
    CommentDeletedByUser = 88004, "comment was deleted by user";
    /// The comment already has a reply.
    AlreadyReplied = 88005, "already reply";
    /// The reply is empty or too long.
    InvalidReplyLength = 88007, "reply content beyond max len or content len is zero";
    /// The comment is unknown.
    CommentNotFound = 88008, "comment is not exists";
    /// The number of comments asked for is out of range.
    CommentCountRange = 88010, "count range error. cout <= 0 or cout > 50";
    /// The caller's address waits for the administrator's confirmation.
    IpWaitsForAdministrator = 89501, "ip is waiting for the administrator";
    /// The call needs the administrator's confirmation.
    NeedsAdministrator = 89503, "this call needs the confirmation of the administrator";
    /// An earlier mass send still waits for the administrator.
    MassSendInApproval = 89504, "mass send is still in the approval process";
    /// The mass send now waits for the administrator's confirmation.
    MassSendNeedsApproval = 89505, "mass send has entered administrator confirmation";
    /// The administrator refused the caller's address; try again after 24 hours.
    IpRefusedForDay = 89506, "ip is refused by the administrator for 24 hours";
    /// The administrator refused the caller's address; try again after an hour.
    IpRefusedForHour = 89507, "ip is refused by the administrator for 1 hour";
    /// The server is busy; try again later.
    SystemBusyEarly = 268487001, "system busy, please try later";
    /// The server is busy; try again later.
    SystemBusyMiddle = 268487002, "system busy, please try later";
    /// The server is busy; try again later.
    SystemBusy = 268488001, "system busy, please try later";
}
