package qunfatest_test

import (
	"testing"
	"time"

	"qunfa/qunfatest"
)

func send(sandbox *qunfatest.Sandbox, account qunfatest.Account, text string) qunfatest.Answer {
	body := map[string]any{
		"filter":  map[string]any{"is_to_all": true},
		"msgtype": "text",
		"text":    map[string]string{"content": text},
	}
	var answer qunfatest.Answer
	sandbox.Call(account, "/cgi-bin/message/mass/sendall", body, &answer)
	return answer
}

// A subscription account sends once a day, and the second send of a day is refused.
func TestOneSendADay(t *testing.T) {
	t.Parallel()
	sandbox := qunfatest.Start(t)
	account := sandbox.Subscription
	reader := sandbox.OpenID(account, 7)

	for _, step := range []struct {
		text    string
		wait    time.Duration
		errcode int
	}{{"今天", 0, 0}, {"再来一条", 0, 45028}, {"明天", 24 * time.Hour, 0}} {
		sandbox.Advance(step.wait)
		if answer := send(sandbox, account, step.text); answer.ErrCode != step.errcode {
			t.Fatalf("%s: %+v", step.text, answer)
		}
	}

	sandbox.Advance(0)
	inbox := sandbox.Inbox(account, reader)
	if len(inbox) != 2 || inbox[0].Text != "今天" || inbox[1].Text != "明天" {
		t.Fatalf("%+v", inbox)
	}
}

func TestEveryTestHasItsOwnSandbox(t *testing.T) {
	t.Parallel()
	sandbox := qunfatest.Start(t, "--followers", "10")
	if inbox := sandbox.Inbox(sandbox.Subscription, sandbox.OpenID(sandbox.Subscription, 7)); len(inbox) != 0 {
		t.Fatalf("%+v", inbox)
	}
}
