#!/usr/bin/env python3
"""Recompute the ledger's chain and its roots from exported JSON (账本独立核验).

Standard library only, Python 3.8+; knows nothing of the product but what stands here:

- entry hash  = SHA-256 of the RFC 8785 JSON of {seq, entry_id, key, at, division, postings, reverses},
  `at` in UTC as 2026-01-05T01:00:00Z, a fraction only where it is not zero;
- block root  = SHA-256 of the previous block's root and the hashes of its entries, joined by newlines;
  the first block stands on 64 zeros, `entries` counts the entries up to its end;
- daily root  = the root of the last block sealed by then, signed by Ed25519 over the RFC 8785 JSON of
  {at, entries, root}.

    python3 verify_ledger.py entries.json blocks.json roots.json [--key HEX]

Each file holds the pages of GET /settlement/v1/entries, /blocks and /roots, one behind the other or
as one list. With --key every root must be signed by that key, which you got by another way.
Exit codes: 0 all holds; 1 something does not, and what is said first; 2 the files cannot be read.
"""

import argparse
import hashlib
import json
import sys
from datetime import datetime, timedelta

GENESIS = "0" * 64
SIDES = ("account", "debit_fen", "credit_fen")


class Bad(Exception):
    """What does not hold, named by the first entry it is seen at."""


def canonical(value):
    """RFC 8785, for values without floats, with plain keys."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def sha256(data):
    return hashlib.sha256(data).hexdigest()


def utc_text(text):
    """An instant as its hash covers it."""
    whole, rest = text[:19], text[19:]
    cut = max(rest.find("+"), rest.find("-"), rest.find("Z"))
    fraction, zone = rest[:cut].rstrip("0").rstrip("."), rest[cut:]
    shift = timedelta()
    if zone != "Z":
        shift = timedelta(hours=int(zone[1:3]), minutes=int(zone[4:6]))
        shift = -shift if zone[0] == "-" else shift
    moment = datetime.fromisoformat(whole + "+00:00") - shift
    return moment.strftime("%Y-%m-%dT%H:%M:%S") + fraction + "Z"


def entry_hash(entry):
    """The hash of an entry in its place."""
    covered = {name: entry[name] for name in ("seq", "entry_id", "key", "division", "reverses")}
    covered["at"] = utc_text(entry["at"])
    covered["postings"] = [{side: one[side] for side in SIDES} for one in entry["postings"]]
    return sha256(canonical(covered))


def check_balance(entry):
    """Debits are credits, in whole fen."""
    if sum(one["debit_fen"] - one["credit_fen"] for one in entry["postings"]) != 0:
        raise Bad(f"entry {entry['entry_id']} does not balance")


def check_chain(entries, blocks):
    """The roots at the end of each block, by how many entries stand under them."""
    chained = sorted((e for e in entries if e.get("seq") is not None), key=lambda e: e["seq"])
    previous, done, roots = GENESIS, 0, {}
    for block in sorted(blocks, key=lambda b: b["number"]):
        hashes, first = [], done + 1
        for seq in range(first, block["entries"] + 1):
            if seq > len(chained) or chained[seq - 1]["seq"] != seq:
                behind = chained[seq - 1]["entry_id"] if seq <= len(chained) else "the end"
                raise Bad(f"entry {seq} of the chain is missing, before {behind}")
            entry = chained[seq - 1]
            check_balance(entry)
            hashes.append(entry_hash(entry))
            if entry["sha256"] != hashes[-1]:
                raise Bad(f"entry {entry['entry_id']} (seq {seq}) was changed")
        root = sha256("\n".join([previous, *hashes]).encode())
        if block["previous"] != previous or block["root"] != root:
            raise Bad(f"block {block['number']} does not follow, from seq {first} on")
        previous, done = root, block["entries"]
        roots[done] = root
    if len(chained) > done:
        raise Bad(f"entry {chained[done]['entry_id']} stands under no block")
    return roots


def check_roots(roots, chain, key=None):
    """Each published root is the chain's; with a key, signed by it."""
    before = 0
    for root in sorted(roots, key=lambda r: r["at"]):
        if chain.get(root["entries"]) != root["root"]:
            raise Bad(f"root of {root['day']} is not the chain's: seq {before + 1} or later")
        message = {"at": utc_text(root["at"]), "entries": root["entries"], "root": root["root"]}
        if key and not is_signed(
            bytes.fromhex(key), bytes.fromhex(root["signature"]), canonical(message)
        ):
            raise Bad(f"root of {root['day']} is not signed by this key")
        before = root["entries"]


# Ed25519 by RFC 8032, slow and plain: a root a day.
P = 2**255 - 19
Q = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P
BASE_Y = 4 * pow(5, P - 2, P) % P


def recover_x(y, sign):
    """The x of a point, or None where no point has this y."""
    if y >= P:
        return None
    square = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    x = pow(square, (P + 3) // 8, P)
    if (x * x - square) % P:
        x = x * pow(2, (P - 1) // 4, P) % P
    if (x * x - square) % P or (x == 0 and sign):
        return None
    return P - x if x % 2 != sign else x


def point(data):
    """A point from its 32 bytes, in extended coordinates."""
    number = int.from_bytes(data, "little")
    y, sign = number & ((1 << 255) - 1), number >> 255
    x = recover_x(y, sign)
    return None if x is None else (x, y, 1, x * y % P)


def add(a, b):
    e, f = (a[1] - a[0]) * (b[1] - b[0]) % P, (a[1] + a[0]) * (b[1] + b[0]) % P
    g, h = 2 * a[3] * b[3] * D % P, 2 * a[2] * b[2] % P
    e, f, g, h = f - e, h - g, h + g, f + e
    return e * f % P, g * h % P, f * g % P, e * h % P


def times(number, one):
    total = (0, 1, 1, 0)
    while number:
        if number & 1:
            total = add(total, one)
        one, number = add(one, one), number >> 1
    return total


def is_signed(key, signature, message):
    """Whether this key has signed this message."""
    if len(key) != 32 or len(signature) != 64:
        return False
    public, r = point(key), point(signature[:32])
    s = int.from_bytes(signature[32:], "little")
    if public is None or r is None or s >= Q:
        return False
    h = int.from_bytes(hashlib.sha512(signature[:32] + key + message).digest(), "little") % Q
    base = (recover_x(BASE_Y, 0), BASE_Y, 1, recover_x(BASE_Y, 0) * BASE_Y % P)
    a, b = times(s, base), add(r, times(h, public))
    return (a[0] * b[2] - b[0] * a[2]) % P == 0 and (a[1] * b[2] - b[1] * a[2]) % P == 0


def items(path):
    """The items of a file: one list, or pages one behind the other."""
    with open(path, encoding="utf-8") as file:
        text, found, at = file.read(), [], 0
    while text[at:].strip():
        at += len(text[at:]) - len(text[at:].lstrip())
        document, at = json.JSONDecoder().raw_decode(text, at)
        found += document["items"] if isinstance(document, dict) else document
    return found


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name in ("entries", "blocks", "roots"):
        parser.add_argument(name)
    parser.add_argument("--key", help="the public key that must have signed every root, in hex")
    given = parser.parse_args(arguments)
    try:
        entries, blocks, roots = items(given.entries), items(given.blocks), items(given.roots)
        chain = check_chain(entries, blocks)
        check_roots(roots, chain, given.key)
    except Bad as bad:
        print(f"BAD: {bad}")
        return 1
    except (OSError, ValueError, KeyError, TypeError) as error:
        print(f"cannot read: {type(error).__name__}: {error}", file=sys.stderr)
        return 2
    print(f"ok: {len(entries)} entries, {len(blocks)} blocks, {len(roots)} roots")
    return 0


if __name__ == "__main__":
    sys.exit(main())
