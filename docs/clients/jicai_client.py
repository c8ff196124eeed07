#!/usr/bin/env python3
"""集采平台签名客户端示例 (只用标准库) / a signing client for Jicai, standard library only, Python 3.8+.

    python3 jicai_client.py enqueue < event.json   # 先落盘编号, 再发送 / the id is on disk before anything is sent
    python3 jicai_client.py send                   # 发送, 结果未知的用原编号重发 / resend unknown outcomes, same ids
    python3 jicai_client.py follow                 # 从上次的游标续读变更 / go on from the last cursor
    python3 jicai_client.py sign METHOD TARGET TIMESTAMP NONCE < body

Environment: JICAI_URL, JICAI_KEY, JICAI_SECRET, JICAI_ALGORITHM (sm3 | sha256), JICAI_STATE (a folder).
"""

import hashlib
import hmac
import http.client
import json
import os
import random
import sys
import time
import urllib.error
import urllib.request
import uuid
from pathlib import Path

URL = os.environ.get("JICAI_URL", "http://127.0.0.1:8000").rstrip("/")
KEY = os.environ.get("JICAI_KEY", "")
SECRET = os.environ.get("JICAI_SECRET", "")
ALGORITHM = os.environ.get("JICAI_ALGORITHM", "sm3")
STATE = Path(os.environ.get("JICAI_STATE", "jicai-state"))
ATTEMPTS = int(os.environ.get("JICAI_ATTEMPTS", "10"))
LONGEST_PAUSE = 30.0
BATCH = int(os.environ.get("JICAI_BATCH", "100"))


UNANSWERED = (OSError, ValueError, http.client.HTTPException)
"""断线, 答复不完整: 结果未知 / cut off before or in the answer: the outcome is unknown."""


class GaveUp(Exception):
    """没有得到答复, 稍后再运行一次 send / no answer: run `send` again later, nothing is lost."""


# --- 签名 / signing ---------------------------------------------------------------------------


def string_to_sign(method, target, timestamp, nonce, body, algorithm=None):
    """方法、路径?查询 (逐字节同发送)、时间戳、随机串、请求体摘要, 以一个 LF 相连, 末尾无换行."""
    hashed = hashlib.new(algorithm or ALGORITHM, body).hexdigest()
    return "\n".join([method, target, timestamp, nonce, hashed])


def signature(text, secret=None, algorithm=None):
    """HMAC, 小写十六进制 / lower-case hex."""
    key = (SECRET if secret is None else secret).encode("utf-8")
    return hmac.new(key, text.encode("utf-8"), algorithm or ALGORITHM).hexdigest()


def signed_headers(method, target, body):
    """每次发送 (包括重发) 都用新的时间戳和随机串 / a fresh timestamp and nonce for every attempt."""
    timestamp, nonce = str(int(time.time())), uuid.uuid4().hex
    return {
        "x-ca-key": KEY,
        "x-ca-timestamp": timestamp,
        "x-ca-nonce": nonce,
        "x-ca-signature": signature(string_to_sign(method, target, timestamp, nonce, body)),
    }


# --- 发送 / one request, until it is answered ---------------------------------------------------


def call(method, target, body=b"", content_type="application/json"):
    """(状态码, 文档). 断线、繁忙、5xx 时退避重试 / backs off and tries again until there is an answer."""
    why = ""
    for attempt in range(ATTEMPTS):
        if attempt:
            time.sleep(random.uniform(0.5, 1) * min(0.2 * 2**attempt, LONGEST_PAUSE))
        headers = signed_headers(method, target, body)  # 重发必须重新签名 / a retry is signed anew
        headers["Content-Type"] = content_type
        request = urllib.request.Request(  # 参数为空时不带请求体 / no body where there is none
            URL + target, data=body or None, headers=headers, method=method
        )
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return answer.status, json.loads(answer.read())
        except urllib.error.HTTPError as error:
            try:
                document = json.loads(error.read())
            except UNANSWERED:  # 代理的页面, 或答复被截断 / a proxy's page, or half an answer
                document = {}
            why = f"{error.code} {document.get('code', '')}"
            again = error.code in (429, 502, 503, 504) or error.code >= 500
            again = again or document.get("code") in ("nonce_used", "idempotency_in_flight")
            if document and not again:
                return error.code, document
            after = error.headers.get("Retry-After", "")
            if after.isdigit():
                time.sleep(min(int(after), LONGEST_PAUSE))
        except UNANSWERED as error:
            why = repr(error)
    raise GaveUp(f"{method} {target}: {why}")


# --- 发件箱 / the outbox: what is in it has an id and may have been sent -------------------------


def write(path, text):
    """整份写入或不写 / whole or not at all, and on disk when this returns."""
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_suffix(".new")
    with open(fresh, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    os.replace(fresh, path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def enqueue(event):
    """给事件编号并落盘; 此后无论重启多少次, 编号不变 / the id never changes from here on."""
    event = {"id": str(uuid.uuid4()), **event}
    name = f"{time.time_ns():020d}-{event['id']}.json"
    write(STATE / "outbox" / name, json.dumps(event, ensure_ascii=False))
    return event["id"]


def send():
    """按先后发送发件箱; 返回被拒绝的数目 / in order; answers how many were rejected."""
    rejected = 0
    waiting = sorted((STATE / "outbox").glob("*.json"))
    for start in range(0, len(waiting), BATCH):
        files = waiting[start : start + BATCH]
        body = b"[" + b",".join(file.read_bytes() for file in files) + b"]"
        media = "application/cloudevents-batch+json"
        status, document = call("POST", "/orders/v1/events", body, media)
        if "results" not in document:
            raise SystemExit(f"{status} {json.dumps(document, ensure_ascii=False)}")
        for file, result in zip(files, document["results"]):
            print(json.dumps(result, ensure_ascii=False), flush=True)
            if result["status"] == "rejected":
                rejected += 1
                if result.get("retryable"):
                    continue  # 对方可能尚未上报, 下次再发 / stays for the next run
            folder = "rejected" if result["status"] == "rejected" else "sent"
            (STATE / folder).mkdir(parents=True, exist_ok=True)
            os.replace(file, STATE / folder / file.name)
    return rejected


# --- 变更流 / the feed ---------------------------------------------------------------------------


def follow(once):
    """每页一行; 处理完一页才保存游标 / one page a line; the cursor is kept when the page is dealt with."""
    kept = STATE / "cursor"
    after = kept.read_text("utf-8") if kept.exists() else ""
    while True:
        target = f"/orders/v1/changes?limit=100&wait={0 if once else 20}"
        status, page = call("GET", target + ("&after=" + after if after else ""))
        if status != 200:
            raise SystemExit(f"{status} {json.dumps(page, ensure_ascii=False)}")
        if page["items"]:
            print(json.dumps(page["items"], ensure_ascii=False), flush=True)
        after = page["next"]
        write(kept, after)
        if once and not page["items"]:
            return


def main(arguments):
    command = arguments[0] if arguments else ""
    if ALGORITHM not in hashlib.algorithms_available:
        raise SystemExit(
            f"本机 Python 没有 {ALGORITHM}; 请申请 SHA-256 密钥 / "
            f"this Python has no {ALGORITHM}: ask for a --sha256 key"
        )
    if command == "enqueue":
        print(enqueue(json.load(sys.stdin)))
    elif command == "send":
        raise SystemExit(1 if send() else 0)
    elif command == "follow":
        follow("--once" in arguments)
    elif command == "sign":
        text = string_to_sign(*arguments[1:5], sys.stdin.buffer.read())
        print(text)
        print(signature(text))
    else:
        raise SystemExit(__doc__)


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except GaveUp as error:
        print(f"未得到答复, 请稍后再运行 / no answer, run it again: {error}", file=sys.stderr)
        raise SystemExit(75) from None
