#!/bin/sh
# 集采平台签名客户端示例 (curl + openssl 1.1.1 以上) / a signing client for Jicai with curl and openssl.
#
#   sh jicai_client.sh enqueue < event.json   # 先落盘编号, 再发送 / the id is on disk before anything is sent
#   sh jicai_client.sh send                   # 结果未知的用原编号重发 / resend unknown outcomes with the same ids
#   sh jicai_client.sh follow                 # 从上次的游标续读变更 / go on from the last cursor
#   sh jicai_client.sh sign METHOD TARGET TIMESTAMP NONCE < body
#
# Environment: JICAI_URL, JICAI_KEY, JICAI_SECRET, JICAI_ALGORITHM (sm3 | sha256), JICAI_STATE (a folder).
# openssl 从命令行取 HMAC 密钥: 同机其他用户可能从进程列表看到; 共用主机上请用其他语言的示例。
# openssl takes the HMAC key as an argument, which other users of this machine may see while it runs.
set -eu

URL=${JICAI_URL:-http://127.0.0.1:8000}
KEY=${JICAI_KEY:-}
SECRET=${JICAI_SECRET:-}
ALGORITHM=${JICAI_ALGORITHM:-sm3}
STATE=${JICAI_STATE:-jicai-state}
ATTEMPTS=${JICAI_ATTEMPTS:-10}
mkdir -p "$STATE"
WORK=$(mktemp -d "$STATE/work.XXXXXX")
trap 'rm -rf "$WORK"' EXIT
trap 'exit 143' TERM INT

hex() { od -An -v -tx1 | tr -d ' \n'; }

# string_to_sign METHOD TARGET TIMESTAMP NONCE BODYFILE: 以一个 LF 相连, 末尾无换行 / no LF at the end
string_to_sign() {
  printf '%s\n%s\n%s\n%s\n%s' "$1" "$2" "$3" "$4" "$(openssl dgst "-$ALGORITHM" -binary <"$5" | hex)"
}

# signature < 待签名串 / the string: 小写十六进制 / lower-case hex
signature() {
  openssl dgst "-$ALGORITHM" -mac HMAC -macopt "hexkey:$(printf %s "$SECRET" | hex)" -binary | hex
}

# call METHOD TARGET BODYFILE CONTENT-TYPE: 答复写入 $WORK/answer, 状态码写入 $STATUS.
# 断线、繁忙、5xx 时退避重试, 每次重新签名 / backs off, and every attempt is signed anew.
call() {
  attempt=0
  pause=${JICAI_PAUSE:-1}
  while :; do
    timestamp=$(date +%s)
    nonce=$(openssl rand -hex 16)
    signed=$(string_to_sign "$1" "$2" "$timestamp" "$nonce" "$3" | signature)
    if [ -s "$3" ]; then body="--data-binary @$3"; else body=""; fi
    # shellcheck disable=SC2086 # $body is two words or none, and the file's name is ours
    STATUS=$(curl -sS --path-as-is -g -m 90 -X "$1" -o "$WORK/answer" -w '%{http_code}' \
      -H "x-ca-key: $KEY" -H "x-ca-timestamp: $timestamp" -H "x-ca-nonce: $nonce" \
      -H "x-ca-signature: $signed" -H "Content-Type: $4" -H 'Expect:' $body "$URL$2" \
      2>"$WORK/why") || STATUS=000
    case $STATUS in
      000 | 429 | 5??) ;; # 没有答复: 结果未知 / no answer: the outcome is unknown
      401) grep -q '"nonce_used"' "$WORK/answer" || return 0 ;;
      409) grep -q '"idempotency_in_flight"' "$WORK/answer" || return 0 ;;
      *) return 0 ;;
    esac
    attempt=$((attempt + 1))
    if [ "$attempt" -ge "$ATTEMPTS" ]; then
      echo "未得到答复, 请稍后再运行 / no answer, run it again: $STATUS $(cat "$WORK/why")" >&2
      exit 75
    fi
    sleep "$pause"
    pause=$((pause * 2))
    [ "$pause" -le 30 ] || pause=30
  done
}

# 事件从标准输入读入, 不带 id; 编号后落盘 / an event without its id on standard input
enqueue() {
  mkdir -p "$STATE/outbox"
  id=$(openssl rand -hex 16)
  number=$(cat "$STATE/number" 2>/dev/null || echo 0)
  number=$((number + 1))
  echo "$number" >"$WORK/number" && mv "$WORK/number" "$STATE/number"
  file=$(printf '%012d-%s.json' "$number" "$id")
  # 编号写在第一个花括号之后 / the id goes behind the first brace
  tr '\n' ' ' | sed "s/{/{\"id\":\"$id\",/" >"$WORK/event"
  sync "$WORK/event" 2>/dev/null || sync
  mv "$WORK/event" "$STATE/outbox/$file"
  echo "$id"
}

# 一次一个事件, 按先后; 大量数据请成批发送 (每批至多 1,000) / one event at a time; batches are faster
send() {
  mkdir -p "$STATE/outbox" "$STATE/sent" "$STATE/rejected"
  rejected=0
  for file in "$STATE"/outbox/*.json; do
    [ -e "$file" ] || continue
    call POST /orders/v1/events "$file" application/cloudevents+json
    cat "$WORK/answer" && echo
    case $STATUS in
      200) mv "$file" "$STATE/sent/" ;;
      422)
        rejected=1
        # 对方可能尚未上报的留待下次 / what may succeed later stays for the next run
        grep -q '"retryable": *true' "$WORK/answer" || mv "$file" "$STATE/rejected/"
        ;;
      *) exit 1 ;;
    esac
  done
  return $rejected
}

# 每页一行; 处理完一页才保存游标 / one page a line; the cursor is kept when the page is dealt with
follow() {
  wait=20
  [ "${1:-}" != --once ] || wait=0
  : >"$WORK/empty"
  while :; do
    after=$(cat "$STATE/cursor" 2>/dev/null || true)
    call GET "/orders/v1/changes?limit=100&wait=$wait${after:+&after=$after}" "$WORK/empty" application/json
    if [ "$STATUS" != 200 ]; then
      cat "$WORK/answer" >&2
      exit 1
    fi
    # `next` 是文档的最后一个成员; 有 jq 时用 jq -r .next / the document's last member; jq -r .next is better
    next=$(tr -d '\n' <"$WORK/answer" | sed -n 's/.*"next" *: *"\([^"]*\)" *} *$/\1/p')
    if [ -z "$next" ]; then
      echo "答复中没有游标 / no cursor in the answer" >&2
      exit 1
    fi
    empty=no
    grep -q '^{ *"items" *: *\[ *\]' "$WORK/answer" && empty=yes
    [ $empty = yes ] || { cat "$WORK/answer" && echo; }
    printf %s "$next" >"$WORK/cursor"
    mv "$WORK/cursor" "$STATE/cursor"
    [ $empty = no ] || [ $wait -gt 0 ] || return 0
  done
}

case ${1:-} in
  enqueue) enqueue ;;
  send) send ;;
  follow) follow "${2:-}" ;;
  sign)
    cat >"$WORK/body"
    string_to_sign "$2" "$3" "$4" "$5" "$WORK/body"
    echo
    string_to_sign "$2" "$3" "$4" "$5" "$WORK/body" | signature
    echo
    ;;
  *)
    sed -n '2,12s/^# \{0,1\}//p' "$0" >&2
    exit 2
    ;;
esac
