#!/usr/bin/env python3
"""Derives keys as docs/derivation.md says. Shares no code with the enclave; needs Python 3.9 or newer and nothing else.

    derive.py vectors                              print vectors.json
    derive.py keys ROOT DEPLOYMENT COIN < PATHS    one path in JSON a line ({"purpose": ..., "name": ...}); prints one public key a line

ROOT is the derivation root in hex, so this is for checking vectors and test deployments: the root of a real one never leaves the enclave.
"""

import base64
import hashlib
import hmac
import json
import sys

# secp256k1 (SEC 2 section 2.4.1)
P = 2**256 - 2**32 - 977
N = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
G = (
    0x79BE667EF9DCBBAC55A06295CE870B07029BFCDB2DCE28D959F2815B16F81798,
    0x483ADA7726A3C4655DA4FBFC0E1108A8FD17B448A68554199C47D08FFB10D4B8,
)


def main(arguments):
    if arguments[1:] == ["vectors"]:
        print(json.dumps(vectors(), indent=2, ensure_ascii=True))
    elif len(arguments) == 5 and arguments[1] == "keys":
        master = master_node(bytes.fromhex(arguments[2]), arguments[3])
        for line in sys.stdin:
            path = json.loads(line)
            print(public_key(node_at(master, path, int(arguments[4])))[1:].hex())
    else:
        sys.exit(__doc__)


# The tree. A node is (private key, chain code).


def master_node(root, deployment):
    name = deployment.encode()
    return child(0, tag(b"Permafrost derivation 1", root + bytes([len(name)]) + name))


def hardened(node, index):
    key, chain_code = node
    return child(key, tag(chain_code, b"\0" + ser256(key) + ser32(index | 1 << 31)))


def named(node, name):
    key, chain_code = node
    data = name.encode()
    return child(key, tag(chain_code, b"\0" + ser256(key) + bytes([1, len(data)]) + data))


def public(node, index):
    key, chain_code = node
    return child(key, tag(chain_code, public_key(node) + ser32(index)))


def child(parent, digest):
    left, right = int.from_bytes(digest[:32], "big"), digest[32:]
    key = (left + parent) % N
    assert left < N and key, "there is no key at this path"
    return key, right


def node_at(master, path, coin):
    node = named(named(hardened(master, path.get("account", 0)), path["purpose"]), path["name"])
    address = path.get("address")
    if address:
        node = public(public(wallet_account(node, coin), address["chain"]), address["index"])
    return node


def wallet_account(user, coin):
    return hardened(hardened(hardened(user, 86), coin), 0)


# FROST shares.


def shares(node, generation):
    key, chain_code = node
    digest = tag(chain_code, b"\4" + ser256(key) + ser32(generation))
    slope = int.from_bytes(digest, "big") % N
    return [(key + slope * identifier(name)) % N for name in ("share-1", "share-2", "share-3")]


def identifier(name):
    """hash_to_field (RFC 9380 section 5.2) with expand_message_xmd over SHA-256, L = 48, as FROST derives identifiers."""
    domain = b"FROST-secp256k1-SHA256-TR-v1id"
    domain += bytes([len(domain)])
    first = hashlib.sha256(bytes(64) + name.encode() + b"\0\x30\0" + domain).digest()
    one = hashlib.sha256(first + b"\1" + domain).digest()
    two = hashlib.sha256(bytes(a ^ b for a, b in zip(first, one)) + b"\2" + domain).digest()
    return int.from_bytes((one + two)[:48], "big") % N


# Encodings.


def key_id(path):
    data = ser32(path.get("account", 0))
    for text in (path["purpose"].encode(), path["name"].encode()):
        data += bytes([len(text)]) + text
    if path.get("address"):
        data += bytes([path["address"]["chain"]]) + ser32(path["address"]["index"])
    return "d1." + base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def extended_public_key(account, coin):
    version = bytes.fromhex("0488b21e" if coin == 0 else "043587cf")
    data = version + bytes(9) + account[1] + public_key(account)
    data += hashlib.sha256(hashlib.sha256(data).digest()).digest()[:4]
    number, text = int.from_bytes(data, "big"), ""
    while number:
        number, digit = divmod(number, 58)
        text = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"[digit] + text
    return text


def ser32(number):
    return number.to_bytes(4, "big")


def ser256(number):
    return number.to_bytes(32, "big")


def tag(key, data):
    return hmac.new(key, data, hashlib.sha512).digest()


# The curve: not constant-time.


def public_key(node):
    x, y = multiple_of_generator(node[0])
    return bytes([2 + y % 2]) + ser256(x)


def multiple_of_generator(scalar):
    """Sums one entry of a table for each four bits, in Jacobian coordinates."""
    point = None
    for window in TABLE:
        digit, scalar = scalar & 15, scalar >> 4
        if digit:
            point = added(point, window[digit])
    x, y, z = point
    inverse = pow(z, -1, P)
    return x * inverse**2 % P, y * inverse**3 % P


def added(point, affine):
    """A point in Jacobian coordinates plus one in affine coordinates; they differ, and are not each other's negative."""
    if point is None:
        return (*affine, 1)
    (x1, y1, z1), (x2, y2) = point, affine
    zz = z1 * z1 % P
    h = (x2 * zz - x1) % P
    r = (y2 * zz * z1 - y1) % P
    hh = h * h % P
    hhh, v = h * hh % P, x1 * hh % P
    x3 = (r * r - hhh - 2 * v) % P
    return x3, (r * (v - x3) - y1 * hhh) % P, z1 * h % P


def table():
    windows, base = [], G
    for _ in range(64):
        window = [None, base, doubled(base)]
        while len(window) < 17:
            window.append(to_affine(added((*window[-1], 1), base)))
        windows.append(window[:16])
        base = window[16]
    return windows


def doubled(point):
    x, y = point
    slope = 3 * x * x * pow(2 * y, -1, P) % P
    x3 = (slope * slope - 2 * x) % P
    return x3, (slope * (x - x3) - y) % P


def to_affine(point):
    x, y, z = point
    inverse = pow(z, -1, P)
    return x * inverse**2 % P, y * inverse**3 % P


TABLE = table()


# The vectors.


def vectors():
    root, deployment = bytes(range(32)), "example"
    master = master_node(root, deployment)
    names = ["alice", "a/b", "a%2Fb", "\u00e9", "e\u0301", "\u0430lice", " alice", "0'", "n" * 255, "\u96ea\U0001f9ca"]
    names += [f"user-{number}" for number in range(40)]
    paths = [{"purpose": "users", "name": name} for name in names]
    paths += [{"account": 7, "purpose": "users", "name": "alice"}, {"account": 2**31 - 1, "purpose": "x-9", "name": "alice"}]
    for chain, index in ((0, 0), (0, 1), (1, 0), (1, 2**31 - 1)):
        paths.append({"purpose": "users", "name": "alice", "address": {"chain": chain, "index": index}})
    return {
        "derivation_root": root.hex(),
        "fingerprint": hmac.new(root, b"permafrost derivation root", hashlib.sha256).hexdigest(),
        "deployment": deployment,
        "coin": 0,
        "keys": [vector(master, path, 0) for path in paths],
        "wallet": {
            "path": paths[0],
            "extended_public_key": extended_public_key(wallet_account(node_at(master, paths[0], 0), 0), 0),
        },
    }


def vector(master, path, coin):
    node = node_at(master, path, coin)
    return {
        "path": path,
        "key_id": key_id(path),
        "group_public_key": public_key(node)[1:].hex(),
        "verifying_shares": {
            str(generation): [public_key((share, b"")).hex() for share in shares(node, generation)]
            for generation in (1, 2)
        },
    }


if __name__ == "__main__":
    main(sys.argv)
