"""A subscription account sends once a day, and the second send of a day is refused."""


def send(sandbox, account, text):
    body = {"filter": {"is_to_all": True}, "msgtype": "text", "text": {"content": text}}
    return sandbox.call(account, "/cgi-bin/message/mass/sendall", body)


def test_one_send_a_day(qunfa_sandbox):
    account = qunfa_sandbox.accounts["subscription"]
    reader = qunfa_sandbox.openid(account, 7)

    assert send(qunfa_sandbox, account, "今天")["errcode"] == 0
    assert send(qunfa_sandbox, account, "再来一条")["errcode"] == 45028
    qunfa_sandbox.advance(days=1)
    assert send(qunfa_sandbox, account, "明天")["errcode"] == 0

    qunfa_sandbox.advance()
    texts = [entry["text"] for entry in qunfa_sandbox.inbox(reader, account)]
    assert texts == ["今天", "明天"]


def test_every_test_has_its_own_sandbox(qunfa_sandbox):
    account = qunfa_sandbox.accounts["subscription"]
    assert qunfa_sandbox.inbox(qunfa_sandbox.openid(account, 7), account) == []
