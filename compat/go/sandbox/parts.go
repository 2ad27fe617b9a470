package sandbox

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"strings"
	"testing"
)

// Errcodes by which a server says that it does not have a part.
const (
	invalidURL        = 40066
	invalidImageCount = 40215
)

// probes are one call of each part of the server that is built beside these suites.
var probes = map[string]struct {
	method, path, body string
	missing            int
}{
	"materials": {"GET", "material/get_materialcount", "", invalidURL},
	"drafts":    {"GET", "draft/count", "", invalidURL},
	"groups":    {"GET", "groups/get", "", invalidURL},
	"datacube":  {"POST", "../datacube/getarticletotal", "{}", invalidURL},
	"addresses": {"GET", "getcallbackip", "", invalidURL},
	"quotas":    {"POST", "openapi/quota/get", "{}", invalidURL},
	"rids":      {"POST", "openapi/rid/get", "{}", invalidURL},
	"pictures": {"POST", "message/mass/sendall", `{"filter":{"is_to_all":false,"tag_id":102},"msgtype":"image",
		"images":{"media_ids":["no-such-id","nor-this"]}}`, invalidImageCount},
}

// Needs leaves a test out on a server without a part, and says so; with CI=true that is a failure.
func (s *Sandbox) Needs(t *testing.T, part string) {
	t.Helper()
	reason, err := s.missing(part)
	OK(t, err)
	if reason == "" {
		return
	}
	if os.Getenv("CI") == "true" {
		t.Fatalf("with CI=true nothing may be left out: %s: %s", part, reason)
	}
	t.Skipf("%s: %s", part, reason)
}

// Card makes a card of the service account and returns its id; a server without cards leaves the test out.
func (s *Sandbox) Card(t *testing.T) string {
	t.Helper()
	s.Needs(t, "cards")
	var card struct {
		ID string `json:"card_id"`
	}
	s.Native(t, "POST", "/v1/accounts/"+Service.AppID+"/cards", map[string]any{"title": "借书券"}, &card)
	return card.ID
}

func (s *Sandbox) missing(part string) (reason string, err error) {
	if part == "cards" {
		err := s.call("POST", "/v1/accounts/"+Service.AppID+"/cards", "sandbox", map[string]any{"title": "券"}, nil)
		if err != nil && strings.Contains(err.Error(), ": 404 ") {
			return err.Error(), nil
		}
		return "", err
	}
	probe, known := probes[part]
	if !known {
		return "", fmt.Errorf("no part is called %q", part)
	}
	var token struct {
		AccessToken string `json:"access_token"`
	}
	credentials := map[string]any{
		"grant_type": "client_credential", "appid": Service.AppID, "secret": Service.Secret,
	}
	if err := s.call("POST", "/cgi-bin/stable_token", "", credentials, &token); err != nil {
		return "", err
	}
	path := strings.Replace("/cgi-bin/"+probe.path, "/cgi-bin/../", "/", 1)
	request, err := http.NewRequest(
		probe.method, s.Base+path+"?access_token="+token.AccessToken, strings.NewReader(probe.body))
	if err != nil {
		return "", err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return "", err
	}
	defer response.Body.Close()
	var answer struct {
		Code int `json:"errcode"`
	}
	if err := json.NewDecoder(response.Body).Decode(&answer); err != nil {
		return "", err
	}
	if answer.Code == probe.missing {
		return fmt.Sprintf("%s answers %d", path, answer.Code), nil
	}
	return "", nil
}
