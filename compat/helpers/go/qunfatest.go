// Package qunfatest starts a qunfa sandbox for a test. Standard library only; copy it.
package qunfatest

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"
)

// Account is one of the accounts that every sandbox has.
type Account struct {
	AppID    string `json:"appid"`
	Secret   string `json:"secret"`
	Kind     string `json:"kind"`
	Verified bool   `json:"verified"`
}

// Sandbox is a running `qunfa sandbox`, stopped when its test ends.
type Sandbox struct {
	BaseURL                           string
	AdminToken                        string
	Service, Subscription, Unverified Account

	t    testing.TB
	http *http.Client
}

// Entry is one message in a follower's inbox.
type Entry struct {
	MsgID int64  `json:"msg_id"`
	Type  string `json:"type"`
	Title string `json:"title"`
	Text  string `json:"text"`
	URL   string `json:"url"`
}

// Answer is what every call of the compatible API may say.
type Answer struct {
	ErrCode int    `json:"errcode"`
	ErrMsg  string `json:"errmsg"`
	MsgID   int64  `json:"msg_id"`
}

// Start starts a sandbox with a thousand followers of each account; QUNFA_BIN or the PATH says where qunfa is.
// Options go to `qunfa sandbox`.
func Start(t testing.TB, options ...string) *Sandbox {
	t.Helper()
	binary := os.Getenv("QUNFA_BIN")
	if binary == "" {
		binary = "qunfa"
	}
	command := []string{"sandbox", "--listen", "127.0.0.1:0", "--ready", "-", "--stop-with-stdin", "--start", "2026-11-02T10:00:00+08:00"}
	process := exec.Command(binary, append(command, options...)...)
	process.Env = append([]string{"QUNFA_LOG_LEVEL=warn"}, os.Environ()...)
	process.Stderr = os.Stderr
	stdin, err := process.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := process.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := process.Start(); err != nil {
		t.Fatalf("qunfa does not start (set QUNFA_BIN): %v", err)
	}
	t.Cleanup(func() {
		_ = stdin.Close()
		if err := process.Wait(); err != nil {
			t.Errorf("the sandbox ended with %v", err)
		}
	})
	line, err := bufio.NewReader(stdout).ReadBytes('\n')
	if err != nil {
		t.Fatalf("the sandbox ended before it was ready: %v", err)
	}
	var ready struct {
		BaseURL    string    `json:"base_url"`
		AdminToken string    `json:"admin_token"`
		Accounts   []Account `json:"accounts"`
	}
	if err := json.Unmarshal(line, &ready); err != nil || len(ready.Accounts) != 3 {
		t.Fatalf("not ready: %s (%v)", line, err)
	}
	// Without a proxy: the sandbox is on this machine.
	client := &http.Client{Timeout: time.Minute, Transport: &http.Transport{DisableKeepAlives: true}}
	return &Sandbox{
		BaseURL: ready.BaseURL, AdminToken: ready.AdminToken,
		Service: ready.Accounts[0], Subscription: ready.Accounts[1], Unverified: ready.Accounts[2],
		t: t, http: client,
	}
}

// Request makes any request and reads the JSON of its answer into `into`.
func (s *Sandbox) Request(method, path string, body any, bearer string, into any) {
	s.t.Helper()
	var sent io.Reader
	if body != nil {
		text, err := json.Marshal(body)
		if err != nil {
			s.t.Fatal(err)
		}
		sent = bytes.NewReader(text)
	}
	request, err := http.NewRequest(method, s.BaseURL+path, sent)
	if err != nil {
		s.t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/json")
	if bearer != "" {
		request.Header.Set("Authorization", "Bearer "+bearer)
	}
	answer, err := s.http.Do(request)
	if err != nil {
		s.t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil || answer.StatusCode >= 300 {
		s.t.Fatalf("%s %s: %s %s %v", method, path, answer.Status, text, err)
	}
	if err := json.Unmarshal(text, into); err != nil {
		s.t.Fatalf("%s %s: %v: %s", method, path, err, text)
	}
}

// Call makes a call of the compatible API with the account's token; GET without a body.
func (s *Sandbox) Call(account Account, path string, body, into any) {
	s.t.Helper()
	login := map[string]string{"grant_type": "client_credential", "appid": account.AppID, "secret": account.Secret}
	var token struct {
		AccessToken string `json:"access_token"`
	}
	s.Request(http.MethodPost, "/cgi-bin/stable_token", login, "", &token)
	mark, method := "?", http.MethodPost
	if strings.Contains(path, "?") {
		mark = "&"
	}
	if body == nil {
		method = http.MethodGet
	}
	s.Request(method, path+mark+"access_token="+token.AccessToken, body, "", into)
}

// Advance moves the clock; everything that falls due on the way has happened when it returns.
func (s *Sandbox) Advance(span time.Duration) {
	s.t.Helper()
	var answer struct{}
	body := map[string]int64{"advance_seconds": int64(span / time.Second)}
	s.Request(http.MethodPost, "/sandbox/clock", body, s.AdminToken, &answer)
}

// OpenID is that of the account's follower with this number.
func (s *Sandbox) OpenID(account Account, number int) string {
	s.t.Helper()
	var list struct {
		Data struct {
			OpenID []string `json:"openid"`
		} `json:"data"`
	}
	s.Call(account, "/cgi-bin/user/get", nil, &list)
	if number >= len(list.Data.OpenID) {
		s.t.Fatalf("no follower %d", number)
	}
	return list.Data.OpenID[number]
}

// Inbox is what a follower has received, oldest first.
func (s *Sandbox) Inbox(account Account, openID string) []Entry {
	s.t.Helper()
	var token struct {
		Token string `json:"token"`
	}
	path := fmt.Sprintf("/v1/accounts/%s/inbox-tokens", account.AppID)
	s.Request(http.MethodPost, path, map[string]string{"openid": openID}, s.AdminToken, &token)
	var entries []Entry
	for cursor := ""; ; {
		var page struct {
			Entries    []Entry `json:"entries"`
			NextCursor string  `json:"next_cursor"`
		}
		s.Request(http.MethodGet, "/inbox/entries?limit=100&cursor="+cursor, nil, token.Token, &page)
		entries = append(entries, page.Entries...)
		if cursor = page.NextCursor; cursor == "" {
			slices.Reverse(entries)
			return entries
		}
	}
}
