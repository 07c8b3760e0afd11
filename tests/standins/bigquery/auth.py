"""Who may ask: the token endpoint (a service account's signed JWT, a refresh token) and the metadata server."""

import base64
import hashlib
import json
import pathlib
import re
import subprocess
import time
import uuid

EMAIL = "loader@test.iam.gserviceaccount.com"
GOOGLE = "https://oauth2.googleapis.com/token"
SHA256_PREFIX = bytes.fromhex("3031300d060960864801650304020105000420")  # DigestInfo of RFC 8017 §9.2
SCOPE = "https://www.googleapis.com/auth/bigquery"
SCOPES = {SCOPE, "https://www.googleapis.com/auth/cloud-platform"}
JWT_GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
CLIENT = {"client_id": "leat-client.apps.example", "client_secret": "client-hush-Tt19", "refresh_token": "refresh-hush-Kk72"}


def decoded(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


class Auth:
    """`required`: "any" lets everybody in, "token" whoever has a token that was given here and has not expired."""

    def __init__(self, required, lifetime):
        self.required, self.lifetime = required, lifetime
        self.tokens = {}   # token: seconds at which it expires
        self.given = []    # how each one was asked for
        self.key = None    # (modulus, exponent)
        self.key_id = uuid.uuid4().hex

    def write_credentials(self, folder, origin):
        """service_account.json and authorized_user.json, as Google gives them, with this server's token endpoint."""
        folder = pathlib.Path(folder)
        pem = subprocess.run(["openssl", "genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"], check=True, capture_output=True, text=True).stdout
        modulus = subprocess.run(["openssl", "rsa", "-noout", "-modulus"], input=pem, check=True, capture_output=True, text=True).stdout
        self.key = (int(modulus.strip().removeprefix("Modulus="), 16), 65537)
        (folder / "service_account.json").write_text(json.dumps({
            "type": "service_account", "project_id": "test", "private_key_id": self.key_id, "private_key": pem, "client_email": EMAIL,
            "client_id": "1", "token_uri": origin + "/token"}, indent=2))
        (folder / "authorized_user.json").write_text(json.dumps({"type": "authorized_user", **CLIENT, "token_uri": origin + "/token"}, indent=2))

    def give(self, how):
        token = f"ya29.{how}-{uuid.uuid4().hex}"
        self.tokens[token] = time.time() + self.lifetime
        self.given.append(how)
        return {"access_token": token, "expires_in": self.lifetime, "token_type": "Bearer"}

    def forget(self):
        self.tokens.clear()

    def allows(self, header):
        if self.required == "any":
            return True
        scheme, _, token = header.partition(" ")
        return scheme == "Bearer" and self.tokens.get(token, 0) > time.time()

    def token(self, form, origin):
        """(status, answer)"""
        if form.get("grant_type") == "refresh_token":
            if {key: form.get(key) for key in CLIENT} != CLIENT:
                return 400, {"error": "invalid_grant", "error_description": "Bad Request"}
            return 200, self.give("refresh")
        if form.get("grant_type") != JWT_GRANT:
            return 400, {"error": "unsupported_grant_type", "error_description": f"Invalid grant_type: {form.get('grant_type')}"}
        problem = self.wrong_with(form.get("assertion", ""), origin)
        if problem:
            return 400, {"error": "invalid_grant", "error_description": problem}
        return 200, self.give("jwt")

    def wrong_with(self, jwt, origin):
        """None: the signature is that of the key, and the claims are as Google wants them."""
        parts = jwt.split(".")
        if len(parts) != 3 or not all(re.fullmatch(r"[A-Za-z0-9_-]+", part) for part in parts):
            return "Invalid JWT: three parts in base64url without padding are needed"
        try:
            header, claims = (json.loads(decoded(part)) for part in parts[:2])
        except ValueError:
            return "Invalid JWT: not JSON"
        if header.get("alg") != "RS256" or header.get("typ") != "JWT" or header.get("kid") not in (None, self.key_id):
            return f"Invalid JWT header {header}"
        if not self.key or not self.signed_by_key(f"{parts[0]}.{parts[1]}".encode(), decoded(parts[2])):
            return "Invalid JWT Signature."
        now = time.time()
        if claims.get("iss") != EMAIL:
            return "Invalid issuer: Not a valid email."
        if claims.get("aud") not in (origin + "/token", GOOGLE):
            return f"Invalid JWT: Failed audience check: {claims.get('aud')}"
        if not set(claims.get("scope", "").split()) & SCOPES:
            return "Invalid OAuth scope"
        if not isinstance(claims.get("iat"), int) or not isinstance(claims.get("exp"), int) or \
                not claims["iat"] - 300 <= now < claims["exp"] <= claims["iat"] + 3600:
            return "Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable timeframe. Check your iat and exp values"
        return None

    def signed_by_key(self, signed, signature):
        modulus, exponent = self.key
        size = (modulus.bit_length() + 7) // 8
        if len(signature) != size:
            return False
        message = pow(int.from_bytes(signature, "big"), exponent, modulus).to_bytes(size, "big")
        digest = SHA256_PREFIX + hashlib.sha256(signed).digest()
        return message == b"\x00\x01" + b"\xff" * (size - 3 - len(digest)) + b"\x00" + digest

    def metadata(self, path, flavor):
        """(status, answer or text) of the metadata server."""
        if flavor != "Google":
            return 403, "Missing Metadata-Flavor:Google header."
        account = "/computeMetadata/v1/instance/service-accounts/"
        found = re.fullmatch(re.escape(account) + r"(default|" + re.escape(EMAIL) + ")/(.*)", path)
        if path == "/computeMetadata/v1/project/project-id":
            return 200, "test"
        if found and found[2] == "token":
            return 200, self.give("metadata")
        if found and found[2] == "":
            return 200, {"aliases": ["default"], "email": EMAIL, "scopes": [SCOPE]}
        return (200, {}) if path in ("/", "/computeMetadata/v1/instance") else (404, "not found")
