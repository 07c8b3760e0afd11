"""Who may read: every kind of `auth`. Logins and tokens are answered here."""

import base64
import json
import secrets as random_text
import urllib.parse

LOGIN, LOGOUT, TOKEN = "/session/login", "/session/logout", "/oauth/token"


class Access:
    def __init__(self, scenario):
        self.kind = scenario.auth
        self.secrets = scenario.secrets
        self.lifetime = scenario.lifetime  # requests that a token or session serves; 0: any number
        self.valid = {}                    # token or session: requests left
        self.given = []                    # all that were ever given out
        self.logins = self.logouts = 0

    def forget(self):
        self.valid.clear()

    def new(self):
        self.logins += 1
        token = "given-" + random_text.token_urlsafe(18)
        self.given.append(token)
        self.valid[token] = self.lifetime or 1 << 60
        return token

    def used(self, token):
        if self.valid.get(token, 0) < 1:
            return False
        self.valid[token] -= 1
        return True

    def allowed(self, request):
        """Whether this request may have data."""
        s = self.secrets
        authorization = request.header("authorization")
        match self.kind:
            case "none":
                return True
            case "basic":
                return authorization == "Basic " + base64.b64encode(f"{s['username']}:{s['password']}".encode()).decode()
            case "bearer":
                return authorization == f"Bearer {s['token']}"
            case "api_key_header":
                return request.header("x-api-key") == s["api_key"]
            case "api_key_query":
                return request.params.get("api_key") == s["api_key"]
            case "oauth2" | "session_token":
                return self.used(authorization.removeprefix("Bearer "))
            case "session_cookie":
                cookies = dict(each.strip().partition("=")[::2] for each in request.header("cookie").split(";"))
                return self.used(cookies.get("QualysSession", ""))

    def logs_in(self, request, answer):
        """Whether it was a login, a logout or a token request; then the answer is made."""
        s = self.secrets
        if request.path not in (LOGIN, LOGOUT, TOKEN) or request.method != "POST":
            return False
        given = request.params
        if request.header("content-type").startswith("application/json"):
            given = json.loads(request.body or b"{}")
        if request.path == LOGOUT:
            self.logouts += 1
            self.forget()
            answer.become(200, b"<OK/>", "text/xml", [("Set-Cookie", "QualysSession=; path=/; Max-Age=0")])
        elif request.path == TOKEN and self.kind == "oauth2":
            id, secret = given.get("client_id"), given.get("client_secret")
            if request.header("authorization").startswith("Basic "):
                pair = base64.b64decode(request.header("authorization")[6:]).decode().partition(":")
                id, secret = urllib.parse.unquote_plus(pair[0]), urllib.parse.unquote_plus(pair[2])
            if given.get("grant_type") != "client_credentials" or (id, secret) != (s["client_id"], s["client_secret"]):
                answer.become(401, b'{"error":"invalid_client"}')
            else:
                token = {"access_token": self.new(), "token_type": "Bearer", "expires_in": 3600}
                answer.become(200, json.dumps(token).encode())
        elif (given.get("username"), given.get("password")) != (s["username"], s["password"]):
            answer.become(401, b'{"error":"wrong username or password"}')
        elif self.kind == "session_cookie":
            cookie = f"QualysSession={self.new()}; path=/; HttpOnly"
            answer.become(200, b"<OK/>", "text/xml", [("Set-Cookie", cookie), ("Set-Cookie", "lang=en; path=/")])
        else:
            answer.become(200, json.dumps({"data": {"token": self.new()}}).encode())
        return True
