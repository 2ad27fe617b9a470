// The SDK github.com/chanxuehong/wechat as it is: nothing in here names a host.
package main

import (
	"encoding/json"
	"log"
	"os"
	"strconv"
	"time"

	"github.com/chanxuehong/wechat/mp/core"
	"github.com/chanxuehong/wechat/mp/media"
	"github.com/chanxuehong/wechat/mp/message/mass"
	"github.com/chanxuehong/wechat/mp/message/mass/mass2group"
)

func must[T any](value T, err error) T {
	if err != nil {
		log.Fatal(err)
	}
	return value
}

func main() {
	client := core.NewClient(core.NewDefaultAccessTokenServer(os.Args[1], os.Args[2], nil), nil)
	image := must(media.UploadImage(client, os.Args[3]))
	group := must(strconv.ParseInt(os.Args[4], 10, 64))
	sent := must(mass2group.Send(client, mass2group.NewImage(group, image.MediaId)))
	status := must(mass.GetStatus(client, sent.MsgId))
	for status.Status == "SENDING" {
		time.Sleep(100 * time.Millisecond)
		status = must(mass.GetStatus(client, sent.MsgId))
	}
	_ = json.NewEncoder(os.Stdout).Encode(map[string]any{"msg_id": sent.MsgId, "status": status.Status})
}
