"""JSON Web Tokens made by hand (RFC 7515), good ones and bad ones."""

import base64
import hashlib
import hmac
import json
import time


def base64url(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def sign(key, header, claims, digest=hashlib.sha256):
    """A token of any header and claims: values, or bytes that need not be JSON."""
    parts = (p if isinstance(p, bytes) else json.dumps(p).encode() for p in (header, claims))
    body = ".".join(base64url(part) for part in parts)
    return f"{body}.{base64url(hmac.new(key, body.encode(), digest).digest())}"


def token(key, sub="alice", *, expires_in=3600, header=None, **claims):
    """A good token but for what is said. A claim given as None is left out."""
    said = {"sub": sub, "exp": int(time.time()) + expires_in, **claims}
    said = {name: value for name, value in said.items() if value is not None}
    return sign(key, header or {"alg": "HS256", "typ": "JWT"}, said)
