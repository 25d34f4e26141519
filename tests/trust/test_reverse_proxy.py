"""The page behind a real nginx, configured as docs/serving.md says, and the page served by https itself."""

import re
import shutil
import ssl
import subprocess
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from biometric.accounts.roles import Role
from biometric.accounts.user_database import UserDatabase
from tests.conftest import PROJECT
from tests.ui.serving import Server, free_port, serving
from tests.waiting import wait_for

NGINX, OPENSSL = shutil.which("nginx"), shutil.which("openssl")
pytestmark = pytest.mark.skipif(OPENSSL is None, reason="openssl is not installed")
PASSWORD = "correct horse battery"


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A certificate that signs itself, and its key."""
    folder = tmp_path_factory.mktemp("tls")
    files = folder / "certificate.pem", folder / "key.pem"
    name = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"]
    command = [str(OPENSSL), "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", *name]
    subprocess.run([*command, "-out", str(files[0]), "-keyout", str(files[1])], check=True, capture_output=True)
    return files


def trusting(certificate: Path) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(certificate))


def data_folder(folder: Path) -> Path:
    (folder / "data").mkdir()
    UserDatabase(folder / "data" / "users.db").add("ada", Role.ADMIN, PASSWORD)
    return folder / "data"


def nginx_configuration(folder: Path, port: int, server: int, certificate: tuple[Path, Path]) -> str:
    """Return the example of the documents, with ports and files of this test."""
    text = (PROJECT / "docs" / "serving.md").read_text("utf-8")
    [block] = re.findall(r"```nginx\n(.*?)```", text, re.S)
    for said, here in (
        ("listen 443", f"listen 127.0.0.1:{port}"),
        ("sightline.example", "localhost"),
        ("/etc/ssl/sightline.pem", str(certificate[0])),
        ("/etc/ssl/sightline.key", str(certificate[1])),
        ("127.0.0.1:7860", f"127.0.0.1:{server}"),
    ):
        assert said in block
        block = block.replace(said, here)
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    folders = "".join(f"{kind}_temp_path {folder}/{kind};" for kind in kinds)
    return f"pid {folder}/pid; error_log {folder}/error.log; events {{}} http {{ access_log off; {folders} {block} }}"


@pytest.fixture(scope="module")
def proxied(tmp_path_factory: pytest.TempPathFactory, certificate: tuple[Path, Path]) -> Iterator[tuple[Server, str]]:
    """A page, and its address at nginx."""
    if NGINX is None:
        pytest.skip("nginx is not installed")
    folder, port = tmp_path_factory.mktemp("nginx"), free_port()
    address = f"https://localhost:{port}"
    with serving(data_folder(folder), public_address=address, trusted_proxy="127.0.0.1") as server:
        configuration = folder / "nginx.conf"
        configuration.write_text(nginx_configuration(folder, port, server.port, certificate))
        command = [NGINX, "-p", str(folder), "-c", str(configuration), "-e", f"{folder}/error.log"]
        nginx = subprocess.Popen([*command, "-g", "daemon off;"])
        try:
            wait_for(lambda: (folder / "pid").is_file() and (folder / "pid").read_text().strip(), 20)
            yield server, address
        finally:
            nginx.terminate()
            nginx.wait(20)


def test_promise_7_the_page_works_behind_nginx(proxied: tuple[Server, str], certificate: tuple[Path, Path]) -> None:
    server, address = proxied
    with httpx.Client(base_url=address, verify=trusting(certificate[0]), timeout=60) as client:
        assert client.get("/config").status_code == 401
        answer = client.post("/login", data={"username": "ada", "password": PASSWORD, "from_page": "1"})
        assert answer.status_code == 303
        assert "Secure" in answer.headers["set-cookie"]
        config = client.get("/config").json()
        assert config["root"] == address
        own = {"Origin": address, "Sec-Fetch-Site": "same-origin"}
        uploaded = client.post("/gradio_api/upload", files={"files": ("a.mp4", b"x" * 500_000)}, headers=own)
        assert uploaded.status_code == 200
        assert (
            client.post("/gradio_api/upload", files={"files": b"x"}, headers={"Origin": server.url}).status_code == 403
        )
        called = client.post("/gradio_api/call/identities", json={"data": [None]}, headers=own).json()
        assert "complete" in client.get(f"/gradio_api/call/identities/{called['event_id']}").text


def test_promise_7_nobody_behind_nginx_is_somebody_else(
    proxied: tuple[Server, str], certificate: tuple[Path, Path]
) -> None:
    server, address = proxied
    wrong = {"username": "ada", "password": "wrong password"}
    with httpx.Client(base_url=address, verify=trusting(certificate[0]), timeout=60) as client:
        statuses = [
            client.post("/login", data=wrong, headers={"X-Forwarded-For": f"203.0.113.{number}"}).status_code
            for number in range(8)
        ]
    assert statuses[:5] == [400] * 5
    assert set(statuses[5:]) == {429}
    direct = httpx.get(f"{server.url}/login", headers={"X-Forwarded-Host": "evil.example"})
    assert direct.status_code == 200  # this machine reaches it without nginx, too
    assert httpx.get(f"{server.url}/login", headers={"Host": "evil.example"}).status_code == 403


def test_promise_7_the_page_is_served_by_https(tmp_path: Path, certificate: tuple[Path, Path]) -> None:
    folder = data_folder(tmp_path)
    with (
        serving(folder, tls_certificate=certificate[0], tls_key=certificate[1], mcp=1) as server,
        httpx.Client(base_url=server.url, verify=trusting(certificate[0]), timeout=60) as client,
    ):
        answer = client.post("/login", data={"username": "ada", "password": PASSWORD}, headers={"Origin": server.url})
        assert "Secure" in answer.headers["set-cookie"]
        assert client.get("/config").json()["root"] == server.url
