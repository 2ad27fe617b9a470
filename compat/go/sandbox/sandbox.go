// Package sandbox runs one `qunfa sandbox` as a child process and makes the few native calls that the SDK
// tests need beside the SDK: they only prepare (quota, callback) and look from the other side (inbox, ledger,
// clock). Nothing here stands in for an SDK method.
package sandbox

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

const (
	followers  = 1000
	readyAfter = 30 * time.Second
	stopAfter  = 15 * time.Second
	settle     = 20 * time.Second
)

// Tags of every sandbox account: every second follower, every tenth, every hundredth.
const (
	TagEven       = 100
	TagTenth      = 101
	TagHundredth  = 102
	TagNobodyHas  = 99999
	FollowerCount = followers
)

// Account is an account of the sandbox.
type Account struct{ AppID, Secret string }

var (
	// Service is verified and has the payment permission.
	Service = Account{"wx0000000000000001", "00000000000000000000000000000001"}
	// Subscription is verified.
	Subscription = Account{"wx0000000000000002", "00000000000000000000000000000002"}
	// Unverified is a service account that is not verified.
	Unverified = Account{"wx0000000000000003", "00000000000000000000000000000003"}
)

// Sandbox is a running server.
type Sandbox struct {
	Base    string
	process *exec.Cmd
	ended   chan error
	folder  string
}

// Run starts a sandbox, runs a package's tests against it, and stops it; for TestMain.
func Run(m *testing.M, use func(*Sandbox)) {
	// A proxy of the environment must not come between the tests and the loopback interface.
	os.Setenv("NO_PROXY", "127.0.0.1,localhost")
	os.Setenv("no_proxy", "127.0.0.1,localhost")
	box, err := Start()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	use(box)
	code := m.Run()
	if err := box.Stop(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

// Start starts a sandbox with 1,000 followers and lifts the limits of its service account.
func Start() (*Sandbox, error) {
	binary, err := findBinary()
	if err != nil {
		return nil, err
	}
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	folder, err := os.MkdirTemp("", "qunfa-compat-")
	if err != nil {
		return nil, err
	}
	listen := fmt.Sprintf("127.0.0.1:%d", port)
	box := &Sandbox{Base: "http://" + listen, folder: folder, ended: make(chan error, 1)}
	log, err := os.Create(filepath.Join(folder, "sandbox.log"))
	if err != nil {
		return nil, err
	}
	defer log.Close()
	box.process = exec.Command(binary, "sandbox", "--listen", listen,
		"--followers", fmt.Sprint(followers), "--data", filepath.Join(folder, "data"))
	box.process.Dir = folder
	box.process.Stdout, box.process.Stderr = log, log
	if err := box.process.Start(); err != nil {
		return nil, err
	}
	go func() { box.ended <- box.process.Wait() }()
	if err := box.becomeReady(); err != nil {
		_ = box.process.Process.Kill()
		return nil, fmt.Errorf("the sandbox did not become ready: %w\n%s", err, box.logTail())
	}
	return box, box.setQuota(Service, noLimits)
}

// Stop asks the server to stop and insists that it does so by itself, without an error.
func (s *Sandbox) Stop() error {
	if err := s.process.Process.Signal(syscall.SIGTERM); err != nil {
		return fmt.Errorf("the sandbox had ended before: %w\n%s", err, s.logTail())
	}
	select {
	case err := <-s.ended:
		var exit *exec.ExitError
		bySignal := errors.As(err, &exit) && exit.Sys().(syscall.WaitStatus).Signaled()
		if err != nil && !bySignal {
			return fmt.Errorf("the sandbox ended with %w\n%s", err, s.logTail())
		}
	case <-time.After(stopAfter):
		_ = s.process.Process.Kill()
		return fmt.Errorf("the sandbox still ran %s after SIGTERM\n%s", stopAfter, s.logTail())
	}
	return os.RemoveAll(s.folder)
}

func (s *Sandbox) becomeReady() error {
	for end := time.Now().Add(readyAfter); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		select {
		case err := <-s.ended:
			return fmt.Errorf("it ended: %v", err)
		default:
		}
		answer, err := http.Get(s.Base + "/healthz")
		if err != nil {
			continue
		}
		answer.Body.Close()
		if answer.StatusCode == http.StatusOK {
			return nil
		}
	}
	return fmt.Errorf("GET /healthz did not answer 200 within %s", readyAfter)
}

func (s *Sandbox) logTail() string {
	text, _ := os.ReadFile(filepath.Join(s.folder, "sandbox.log"))
	lines := strings.Split(string(text), "\n")
	return "last lines of the sandbox:\n" + strings.Join(lines[max(0, len(lines)-40):], "\n")
}

// -- native API -------------------------------------------------------------------------------------------

var noLimits = map[string]any{
	"sends_per_day": nil, "calls_per_day": nil, "receipts_per_month": nil,
	"history_per_day": nil, "history_per_month": nil, "calls_per_minute": nil,
}

func (s *Sandbox) call(method, path, token string, body, found any) error {
	var content io.Reader
	if body != nil {
		text, err := json.Marshal(body)
		if err != nil {
			return err
		}
		content = bytes.NewReader(text)
	}
	request, err := http.NewRequest(method, s.Base+path, content)
	if err != nil {
		return err
	}
	request.Header.Set("Authorization", "Bearer "+token)
	request.Header.Set("Content-Type", "application/json")
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		return err
	}
	if answer.StatusCode >= 300 {
		return fmt.Errorf("%s %s: %d %s", method, path, answer.StatusCode, text)
	}
	if found == nil || len(text) == 0 {
		return nil
	}
	return json.Unmarshal(text, found)
}

// Native makes one native call as the administrator; the answer goes to found unless that is nil.
func (s *Sandbox) Native(t *testing.T, method, path string, body, found any) {
	t.Helper()
	if err := s.call(method, path, "sandbox", body, found); err != nil {
		t.Fatal(err)
	}
}

func (s *Sandbox) setQuota(account Account, quota map[string]any) error {
	return s.call("PATCH", "/v1/accounts/"+account.AppID, "sandbox", map[string]any{"quota": quota}, nil)
}

// WithQuota changes one limit of an account for the rest of the test and lifts it afterwards.
func (s *Sandbox) WithQuota(t *testing.T, account Account, limit string, value int) {
	t.Helper()
	if err := s.setQuota(account, map[string]any{limit: value}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.setQuota(account, map[string]any{limit: nil}); err != nil {
			t.Error(err)
		}
	})
}

// Advance moves the virtual clock; what falls due has run when this returns.
func (s *Sandbox) Advance(t *testing.T, seconds int) {
	t.Helper()
	s.Native(t, "POST", "/sandbox/clock", map[string]any{"advance_seconds": seconds}, nil)
}

// Today is the virtual clock's date in Shanghai.
func (s *Sandbox) Today(t *testing.T) time.Time {
	t.Helper()
	var clock struct {
		Now time.Time `json:"now"`
	}
	s.Native(t, "GET", "/sandbox/clock", nil, &clock)
	return clock.Now.In(time.FixedZone("CST", 8*3600))
}

// Ledger is what the account's owner sees of a mass.
type Ledger struct {
	State       string `json:"state"`
	TotalCount  int64  `json:"total_count"`
	FilterCount int64  `json:"filter_count"`
	SentCount   int64  `json:"sent_count"`
	ErrorCount  int64  `json:"error_count"`
}

// Ledger reads the service account's book about one mass.
func (s *Sandbox) Ledger(t *testing.T, msgID int64) (found Ledger) {
	t.Helper()
	s.Native(t, "GET", fmt.Sprintf("/v1/accounts/%s/masses/%d", Service.AppID, msgID), nil, &found)
	return found
}

// -- the follower's side ----------------------------------------------------------------------------------

// Entry is one message in a follower's inbox.
type Entry struct {
	ID        string      `json:"id"`
	MsgID     json.Number `json:"msg_id"`
	Type      string      `json:"type"`
	Text      string      `json:"text"`
	Title     string      `json:"title"`
	MediaURL  string      `json:"media_url"`
	MediaURLs []string    `json:"media_urls"`
	CardID    string      `json:"card_id"`
	Articles  []struct {
		Title string `json:"title"`
		URL   string `json:"url"`
	} `json:"articles"`
}

// Inbox reads everything in the inbox of one follower of the service account, newest first, page by page.
func (s *Sandbox) Inbox(t *testing.T, openID string) (entries []Entry) {
	t.Helper()
	var token struct {
		Token string `json:"token"`
	}
	s.Native(t, "POST", "/v1/accounts/"+Service.AppID+"/inbox-tokens", map[string]any{"openid": openID}, &token)
	seen := map[string]bool{}
	for cursor := ""; ; {
		var page struct {
			Entries    []Entry `json:"entries"`
			NextCursor string  `json:"next_cursor"`
		}
		path := "/inbox/entries?limit=50"
		if cursor != "" {
			path += "&cursor=" + url.QueryEscape(cursor)
		}
		if err := s.call("GET", path, token.Token, nil, &page); err != nil {
			t.Fatal(err)
		}
		for _, entry := range page.Entries {
			if seen[entry.ID] {
				t.Fatalf("the inbox shows entry %s twice", entry.ID)
			}
			seen[entry.ID] = true
		}
		entries = append(entries, page.Entries...)
		if cursor = page.NextCursor; cursor == "" || len(page.Entries) == 0 {
			return entries
		}
	}
}

// EntriesOf finds one mass in a follower's inbox: no entry or one.
func (s *Sandbox) EntriesOf(t *testing.T, openID string, msgID int64) (found []Entry) {
	t.Helper()
	for _, entry := range s.Inbox(t, openID) {
		if entry.MsgID.String() == fmt.Sprint(msgID) {
			found = append(found, entry)
		}
	}
	return found
}

// EntryOf is the one entry of a mass in a follower's inbox.
func (s *Sandbox) EntryOf(t *testing.T, openID string, msgID int64) Entry {
	t.Helper()
	entries := s.EntriesOf(t, openID, msgID)
	if len(entries) != 1 {
		t.Fatalf("%d entries of mass %d in the inbox of %s", len(entries), msgID, openID)
	}
	return entries[0]
}

// HasText says whether a follower's inbox holds a text.
func (s *Sandbox) HasText(t *testing.T, openID, text string) bool {
	t.Helper()
	for _, entry := range s.Inbox(t, openID) {
		if entry.Text == text {
			return true
		}
	}
	return false
}

// Fetch gets a page or a file as a reader's browser does, without any token.
func (s *Sandbox) Fetch(t *testing.T, where string) []byte {
	t.Helper()
	base, err := url.Parse(s.Base)
	if err != nil {
		t.Fatal(err)
	}
	full, err := base.Parse(where)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := http.Get(full.String())
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil || answer.StatusCode != http.StatusOK {
		t.Fatalf("GET %s: %d %v", full, answer.StatusCode, err)
	}
	return text
}

// RawError is what the server says to a token when no SDK repeats the call.
func (s *Sandbox) RawError(t *testing.T, token string) (code int64, text string) {
	t.Helper()
	answer, err := http.Get(s.Base + "/cgi-bin/tags/get?access_token=" + url.QueryEscape(token))
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	var found struct {
		Code int64  `json:"errcode"`
		Text string `json:"errmsg"`
	}
	if err := json.NewDecoder(answer.Body).Decode(&found); err != nil || answer.StatusCode != http.StatusOK {
		t.Fatalf("%d %v", answer.StatusCode, err)
	}
	return found.Code, found.Text
}

// -- what tests share -------------------------------------------------------------------------------------

// Fixture is the path of a file in compat/fixtures.
func Fixture(name string) string { return filepath.Join(root(), "compat", "fixtures", name) }

// Bytes is the content of a file in compat/fixtures.
func Bytes(t *testing.T, name string) []byte {
	t.Helper()
	content, err := os.ReadFile(Fixture(name))
	if err != nil {
		t.Fatal(err)
	}
	return content
}

// Article is the content of article.json with its picture filled in.
func Article(t *testing.T, imageURL string) (content, digest string) {
	t.Helper()
	var found struct {
		Articles []struct{ Content, Digest string } `json:"articles"`
	}
	if err := json.Unmarshal(Bytes(t, "article.json"), &found); err != nil {
		t.Fatal(err)
	}
	one := found.Articles[0]
	return strings.ReplaceAll(one.Content, "IMAGE_URL", imageURL), one.Digest
}

var number atomic.Int64

// Unique makes texts that no other test sends: an identical mass within 24 hours is refused with 45065.
func Unique(text string) string { return fmt.Sprintf("%s（第 %d 封）", text, number.Add(1)) }

// WaitFor asks look until it says true; the test fails with what when the time is over.
func WaitFor(t *testing.T, what string, look func() bool) {
	t.Helper()
	for end := time.Now().Add(settle); !look(); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("waited %s in vain for %s", settle, what)
		}
	}
}

// Equal fails the test when found is not wanted.
func Equal[T comparable](t *testing.T, what string, found, wanted T) {
	t.Helper()
	if found != wanted {
		t.Errorf("%s: found %v, wanted %v", what, found, wanted)
	}
}

// OK fails the test at once when there is an error.
func OK(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func root() string {
	_, file, _, _ := runtime.Caller(0)
	return filepath.Join(filepath.Dir(file), "..", "..", "..")
}

// findBinary is the binary named by QUNFA_BIN, else the release build, else the debug build.
func findBinary() (string, error) {
	candidates := []string{os.Getenv("QUNFA_BIN")}
	if candidates[0] == "" {
		candidates = []string{
			filepath.Join(root(), "target", "release", "qunfa"), filepath.Join(root(), "target", "debug", "qunfa"),
		}
	}
	for _, candidate := range candidates {
		if _, err := os.Stat(candidate); err == nil {
			return filepath.Abs(candidate)
		}
	}
	return "", fmt.Errorf("no qunfa binary: looked for %v; build one or set QUNFA_BIN", candidates)
}

func freePort() (int, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer listener.Close()
	return listener.Addr().(*net.TCPAddr).Port, nil
}
