// Package recipes runs the programs that docs/sdk shows, as a reader would.
package recipes

import (
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"

	"qunfa/compat/sandbox"
)

var box *sandbox.Sandbox

func TestMain(m *testing.M) {
	sandbox.Run(m, func(started *sandbox.Sandbox) { box = started })
}

func TestEveryRecipeSendsAndReceivesItsEvent(t *testing.T) {
	folders, err := os.ReadDir(".")
	sandbox.OK(t, err)
	ran := 0
	for _, folder := range folders {
		if !folder.IsDir() {
			continue
		}
		ran++
		t.Run(folder.Name(), func(t *testing.T) {
			recipe := exec.Command("go", "run", "./"+folder.Name(), sandbox.Fixture("test.jpg"))
			recipe.Env = append(os.Environ(), "QUNFA="+box.Base)
			printed, err := recipe.CombinedOutput()
			if err != nil {
				t.Fatalf("%v\n%s", err, printed)
			}
			wanted := regexp.MustCompile(`^sent (\d+)\nstatus SEND_SUCCESS\nevent (\d+) send success: 500 of 500\n$`)
			found := wanted.FindStringSubmatch(string(printed))
			if found == nil || found[1] != found[2] {
				t.Errorf("it printed:\n%s", strings.TrimSpace(string(printed)))
			}
		})
	}
	if ran == 0 {
		t.Error("no recipe")
	}
}
