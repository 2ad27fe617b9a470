package silenceper

import (
	"strings"
	"testing"
	"time"

	"github.com/silenceper/wechat/v2/credential"
	"github.com/silenceper/wechat/v2/officialaccount"

	"qunfa/compat/sandbox"
)

const cacheKey = credential.CacheKeyOfficialAccountPrefix + "_access_token_"

func TestATokenIsFetchedOnceAndKept(t *testing.T) {
	client := connect(sandbox.Service)
	first, err := client.GetAccessToken()
	sandbox.OK(t, err)
	second, err := client.GetAccessToken()
	sandbox.OK(t, err)
	sandbox.Equal(t, "token", second, first)
	if strings.Trim(first, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-") != "" {
		t.Errorf("the SDK pastes tokens into URLs as they are, and this one has other signs: %s", first)
	}
}

func TestAStableTokenIsTheSameForEveryProcessAndApartFromThePlainOne(t *testing.T) {
	settings := configure(sandbox.Service)
	settings.UseStableAK = true
	first, err := officialaccount.NewOfficialAccount(settings).GetAccessToken()
	sandbox.OK(t, err)

	settings = configure(sandbox.Service)
	settings.UseStableAK = true
	client := officialaccount.NewOfficialAccount(settings)
	second, err := client.GetAccessToken()
	sandbox.OK(t, err)
	sandbox.Equal(t, "stable token", second, first)
	_, err = client.GetUser().GetTag()
	sandbox.OK(t, err)

	plain, err := connect(sandbox.Service).GetAccessToken()
	sandbox.OK(t, err)
	if plain == first {
		t.Error("the plain token is the stable one")
	}
	if code, text := box.RawError(t, first); code != 0 {
		t.Errorf("the plain token ended the stable one: %d %s", code, text)
	}
}

func TestAForcedStableTokenIsAnotherOne(t *testing.T) {
	handle := credential.NewStableAccessToken(sandbox.Subscription.AppID, sandbox.Subscription.Secret, "x",
		configure(sandbox.Subscription).Cache).(*credential.StableAccessToken)
	first, err := handle.GetAccessTokenDirectly(t.Context(), false)
	sandbox.OK(t, err)
	// The platform forces at most one renewal in 30 s.
	box.Advance(t, 60)
	second, err := handle.GetAccessTokenDirectly(t.Context(), true)
	sandbox.OK(t, err)
	if second.AccessToken == first.AccessToken {
		t.Error("force_refresh gave the same token")
	}
	if first.ExpiresIn > 7200 || second.ExpiresIn != 7200 {
		t.Errorf("expires_in is %d, then %d", first.ExpiresIn, second.ExpiresIn)
	}
}

func TestAWrongSecretAndAWrongAppidKeepTheirCodes(t *testing.T) {
	_, err := connect(sandbox.Account{AppID: sandbox.Service.AppID, Secret: strings.Repeat("f", 32)}).GetAccessToken()
	refused(t, err, 40125, "invalid appsecret")
	_, err = connect(sandbox.Account{AppID: "wx9999999999999999", Secret: "f"}).GetAccessToken()
	refused(t, err, 40013, "invalid appid")
}

// The SDK does not renew a token by itself: the caller sees the code, empties the cache and calls again.
func TestAStaleTokenIsReportedAndAFreshOneWorks(t *testing.T) {
	settings := configure(sandbox.Service)
	client := officialaccount.NewOfficialAccount(settings)
	openIDs := everybody(t, client)

	sandbox.OK(t, settings.Cache.Set(cacheKey+settings.AppID, "garbage", time.Hour))
	err := client.GetUser().UpdateRemark(openIDs[900], "没到")
	refused(t, err, 40001, "invalid credential")

	sandbox.OK(t, settings.Cache.Delete(cacheKey+settings.AppID))
	sandbox.OK(t, client.GetUser().UpdateRemark(openIDs[900], "第二次才到的备注"))
	person, err := client.GetUser().GetUserInfo(openIDs[900])
	sandbox.OK(t, err)
	sandbox.Equal(t, "remark", person.Remark, "第二次才到的备注")
}

func TestAnExpiredTokenSaysSo(t *testing.T) {
	settings := configure(sandbox.Service)
	client := officialaccount.NewOfficialAccount(settings)
	_, err := client.GetAccessToken()
	sandbox.OK(t, err)
	box.Advance(t, 3*3600)

	_, err = massAPI(client).GetSpeed()
	refused(t, err, 42001, "access_token expired")
	sandbox.OK(t, settings.Cache.Delete(cacheKey+settings.AppID))
	_, err = client.GetUser().GetTag()
	sandbox.OK(t, err)
}

func TestASupersededTokenLivesOnForOtherProcesses(t *testing.T) {
	first, second := connect(sandbox.Service), connect(sandbox.Service)
	old, err := first.GetAccessToken()
	sandbox.OK(t, err)
	fresh, err := second.GetAccessToken()
	sandbox.OK(t, err)
	if fresh == old {
		t.Error("the second process got the first one's token")
	}
	everybody(t, first)
}
