"""IAM Roles Anywhere as its User Guide documents it, checked step by step from the bytes of each request: a stand-in for AWS.

    roles_anywhere.py CERTIFICATE KEY       serves TLS on a free port of this machine, which it prints

Standard input has one command a line, each a JSON object, and each gets one line:

    {"anchor": ARN, "certificate": PEM}     uploads a trust anchor; {"anchor": ARN} disables it
    {"profile": ARN, "role": ARN, "seconds": N, "common_name": CN}
                                            a profile with one role, whose trust policy asks for that CN of the subject
    {"clock": SECONDS}                      moves the service's clock
    {"expire": SECONDS}                     sessions expire so long after they were created, whatever was asked for
    {"repeat": true}                        answers every further request with the last session
    {"seen": true}                          gives the requests so far, in hexadecimal, and forgets them
    {"check": HEX}                          judges a request without TLS: {"session": …} or {"denied": RULE}

It ends with its standard input.
"""

import base64
import datetime
import hashlib
import json
import re
import secrets
import socketserver
import ssl
import sys
import threading

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

REGION = "us-east-1"
MINUTES_5 = datetime.timedelta(minutes=5)


class Denied(Exception):
    """The rule that a request breaks."""


class Account:
    """What an administrator has set up, and what was issued."""

    def __init__(self):
        self.anchors, self.profiles = {}, {}
        self.clock, self.expire, self.repeat = 0, None, False
        self.seen, self.last = [], None

    def now(self):
        return datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=self.clock)

    def create_session(self, raw):
        """The session that a request gets, or Denied."""
        head, body = raw.split(b"\r\n\r\n", 1)
        request, *lines = head.decode("ascii").split("\r\n")
        if request != "POST /sessions HTTP/1.1":
            raise Denied(f"the request is {request}")
        headers = [line.split(":", 1) for line in lines]
        fields = {}
        for name, value in headers:
            fields.setdefault(name.lower(), []).append(re.sub(" +", " ", value.strip()))
        if fields.get("content-type") != ["application/json"]:
            raise Denied("the content is not JSON")
        certificate = signing_certificate(single(fields, "x-amz-x509"))
        self.check_signature(fields, body, certificate)
        asked = json.loads(body)
        anchor = self.anchors.get(asked["trustAnchorArn"])
        if anchor is None:
            raise Denied("the trust anchor is not there, or disabled")
        check_chain(certificate, anchor, self.now())
        profile = self.profiles.get(asked["profileArn"])
        if profile is None or profile["role"] != asked["roleArn"]:
            raise Denied("the profile has no such role")
        names = certificate.subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)
        if [name.value for name in names] != [profile["common_name"]]:
            raise Denied("the role's trust policy asks for another common name")
        if not 900 <= asked["durationSeconds"] <= 43200:
            raise Denied("durationSeconds is not 900 to 43200")
        return self.issue(asked, certificate, min(profile["seconds"], asked["durationSeconds"]))

    def check_signature(self, fields, body, certificate):
        """Tasks 1 to 4 of "The IAM Roles Anywhere authentication signing process"."""
        authorization = re.fullmatch(
            r"(\S+) Credential=([^,]+), SignedHeaders=([^,]+), Signature=([0-9a-f]+)",
            single(fields, "authorization"),
        )
        if authorization is None:
            raise Denied("the authorization has another form")
        algorithm, credential, names, signature = authorization.groups()
        if algorithm != "AWS4-X509-ECDSA-SHA256":
            raise Denied("the algorithm is not that of the certificate's key")
        serial, *scope = credential.split("/")
        if serial != str(certificate.serial_number):
            raise Denied("the serial number is not that of the certificate")
        time = single(fields, "x-amz-date")
        if scope != [time[:8], REGION, "rolesanywhere", "aws4_request"]:
            raise Denied("the scope is another one")
        sent = datetime.datetime.strptime(time, "%Y%m%dT%H%M%SZ").replace(tzinfo=datetime.timezone.utc)
        if abs(sent - self.now()) > MINUTES_5:
            raise Denied("the request is not of this time")
        signed = names.split(";")
        if signed != sorted(signed) or not {"host", "x-amz-date", "x-amz-x509"} <= set(signed):
            raise Denied("a header that must be signed is not, or they are in another order")
        lines = "".join(f"{name}:{','.join(fields.get(name, []))}\n" for name in signed)
        payload = hashlib.sha256(body).hexdigest()
        canonical = f"POST\n/sessions\n\n{lines}\n{names}\n{payload}"
        digest = hashlib.sha256(canonical.encode()).hexdigest()
        to_sign = f"{algorithm}\n{time}\n{'/'.join(scope)}\n{digest}"
        try:
            algorithm = ec.ECDSA(hashes.SHA256())
            certificate.public_key().verify(bytes.fromhex(signature), to_sign.encode(), algorithm)
        except InvalidSignature:
            raise Denied("the signature is not one of the certificate's key over this request")

    def issue(self, asked, certificate, seconds):
        expires = self.now() + datetime.timedelta(seconds=self.expire or seconds)
        if self.repeat and self.last:
            return self.last
        serial = certificate.serial_number
        self.last = {
            "credentialSet": [
                {
                    "assumedRoleUser": {
                        "arn": f"{asked['roleArn'].replace(':iam:', ':sts:').replace(':role/', ':assumed-role/')}/{serial}",
                        "assumedRoleId": f"AROAEXAMPLEEXAMPLE:{serial}",
                    },
                    "credentials": {
                        "accessKeyId": "ASIA" + secrets.token_hex(8).upper(),
                        "expiration": expires.strftime("%Y-%m-%dT%H:%M:%SZ"),
                        "secretAccessKey": secrets.token_urlsafe(30),
                        "sessionToken": secrets.token_urlsafe(300),
                    },
                    "packedPolicySize": 10,
                    "roleArn": asked["roleArn"],
                    "sourceIdentity": "CN=" + certificate.subject.rfc4514_string(),
                }
            ],
            "subjectArn": asked["trustAnchorArn"].replace("trust-anchor", "subject"),
        }
        return self.last


def single(fields, name):
    values = fields.get(name, [])
    if len(values) != 1:
        raise Denied(f"{name} is there {len(values)} times")
    return values[0]


def signing_certificate(text):
    """What "Signature validation" asks of an end-entity certificate."""
    certificate = x509.load_der_x509_certificate(base64.b64decode(text, validate=True))
    if certificate.version != x509.Version.v3:
        raise Denied("the certificate is not of version 3")
    extensions = certificate.extensions
    if extensions.get_extension_for_class(x509.BasicConstraints).value.ca:
        raise Denied("the certificate is one of an authority")
    if not extensions.get_extension_for_class(x509.KeyUsage).value.digital_signature:
        raise Denied("the certificate's key may not sign")
    if not isinstance(certificate.signature_hash_algorithm, hashes.SHA256):
        raise Denied("the certificate is not signed with SHA-256")
    return certificate


def check_chain(certificate, anchor, now):
    """The path of two certificates (RFC 5280 section 6), the second of which is the anchor."""
    constraints = anchor.extensions.get_extension_for_class(x509.BasicConstraints)
    usage = anchor.extensions.get_extension_for_class(x509.KeyUsage)
    if not constraints.value.ca or not usage.value.key_cert_sign:
        raise Denied("the trust anchor is not an authority")
    for one in (certificate, anchor):
        if not one.not_valid_before_utc <= now <= one.not_valid_after_utc:
            raise Denied("a certificate is not valid at this time")
    try:
        certificate.verify_directly_issued_by(anchor)
    except (InvalidSignature, ValueError):
        raise Denied("the certificate does not lead to the trust anchor")


class Handler(socketserver.StreamRequestHandler):
    def handle(self):
        raw = b""
        while not raw.endswith(b"\r\n\r\n"):
            line = self.rfile.readline(65536)
            if not line:
                return
            raw += line
        length = re.search(rb"content-length: *(\d+)", raw, re.IGNORECASE)
        raw += self.rfile.read(int(length[1]) if length else 0)
        ACCOUNT.seen.append(raw.hex())
        try:
            self.answer("201 Created", "", ACCOUNT.create_session(raw))
        except Denied as denied:
            kind = "x-amzn-ErrorType: AccessDeniedException\r\n"
            self.answer("403 Forbidden", kind, {"message": str(denied)})

    def answer(self, status, more, body):
        body = json.dumps(body).encode()
        head = f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\nx-amzn-RequestId: stand-in\r\n{more}"
        self.wfile.write(f"{head}Content-Length: {len(body)}\r\nConnection: close\r\n\r\n".encode() + body)


class Server(socketserver.ThreadingTCPServer):
    daemon_threads = True

    def get_request(self):
        stream, address = super().get_request()
        return TLS.wrap_socket(stream, server_side=True, do_handshake_on_connect=False), address

    def handle_error(self, request, client_address):
        """A client that refuses the certificate leaves here."""


def obey(command):
    if "anchor" in command:
        pem = command.get("certificate")
        ACCOUNT.anchors[command["anchor"]] = pem and x509.load_pem_x509_certificate(pem.encode())
    elif "profile" in command:
        ACCOUNT.profiles[command["profile"]] = command
    elif "seen" in command:
        seen, ACCOUNT.seen = ACCOUNT.seen, []
        return seen
    elif "check" in command:
        try:
            return {"session": ACCOUNT.create_session(bytes.fromhex(command["check"]))}
        except Denied as denied:
            return {"denied": str(denied)}
    else:
        for name, value in command.items():
            setattr(ACCOUNT, name, value)
    return "done"


ACCOUNT = Account()
TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
TLS.load_cert_chain(*sys.argv[1:])
server = Server(("127.0.0.1", 0), Handler)
threading.Thread(target=server.serve_forever, daemon=True).start()
print(server.server_address[1], flush=True)
for line in sys.stdin:
    print(json.dumps(obey(json.loads(line))), flush=True)
