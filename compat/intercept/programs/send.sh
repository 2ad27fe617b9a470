#!/usr/bin/env bash
# curl as it is, with the addresses of WeChat's documentation. The upload is by plain http, as it was documented.
set -euo pipefail
field() { sed -E "s/.*\"$1\":\"?([^\",}]+).*/\1/"; }

token=$(curl -sS "https://api.weixin.qq.com/cgi-bin/token?grant_type=client_credential&appid=$1&secret=$2" | field access_token)
media=$(curl -sS -F "media=@$3" "http://file.api.weixin.qq.com/cgi-bin/media/upload?type=image&access_token=$token" | field media_id)
mass="{\"filter\":{\"tag_id\":$4},\"image\":{\"media_id\":\"$media\"},\"msgtype\":\"image\"}"
id=$(curl -sS -d "$mass" "https://api.weixin.qq.com/cgi-bin/message/mass/sendall?access_token=$token" | field msg_id)
status=SENDING
while [[ $status == SENDING ]]; do
    sleep 0.1
    status=$(curl -sS -d "{\"msg_id\":$id}" "https://api.weixin.qq.com/cgi-bin/message/mass/get?access_token=$token" | field msg_status)
done
echo "{\"msg_id\": $id, \"status\": \"$status\"}"
