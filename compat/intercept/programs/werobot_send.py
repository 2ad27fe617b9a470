"""WeRoBot as it is: nothing in here names a host."""

import json
import sys
import time

from werobot.client import Client

client = Client({"APP_ID": sys.argv[1], "APP_SECRET": sys.argv[2]})
with open(sys.argv[3], "rb") as file:
    media_id = client.upload_media("image", file)["media_id"]
msg_id = client.send_mass_msg("image", media_id, user_list=int(sys.argv[4]))["msg_id"]
while client.get_mass_msg_status(msg_id)["msg_status"] == "SENDING":
    time.sleep(0.1)
print(json.dumps({"msg_id": msg_id, "status": client.get_mass_msg_status(msg_id)["msg_status"]}))
