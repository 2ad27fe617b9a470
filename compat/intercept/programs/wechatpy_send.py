"""wechatpy as it is: nothing in here names a host."""

import json
import sys
import time

from wechatpy import WeChatClient

client = WeChatClient(sys.argv[1], sys.argv[2])
with open(sys.argv[3], "rb") as file:
    media_id = client.media.upload("image", file)["media_id"]
msg_id = client.message.send_mass_image(int(sys.argv[4]), media_id)["msg_id"]
while client.message.get_mass(msg_id)["msg_status"] == "SENDING":
    time.sleep(0.1)
print(json.dumps({"msg_id": msg_id, "status": client.message.get_mass(msg_id)["msg_status"]}))
