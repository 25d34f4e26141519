import pytest

from biometric.ui.hosts import is_local_host, is_same_origin


@pytest.mark.parametrize("host", ["localhost", "localhost:7860", "127.0.0.1:7860", "127.1.2.3", "[::1]:7860"])
def test_names_of_this_machine(host: str) -> None:
    assert is_local_host(host)


@pytest.mark.parametrize("host", ["", "evil.example", "127.0.0.1.evil.example", "10.0.0.1", "localhost.evil.example"])
def test_other_names(host: str) -> None:
    assert not is_local_host(host)


@pytest.mark.parametrize(
    ("headers", "same"),
    [
        ({}, True),
        ({"origin": "http://a:1"}, True),
        ({"origin": "https://a:2"}, False),
        ({"origin": "null"}, False),
        ({"origin": ""}, False),
        ({"sec-fetch-site": "same-origin"}, True),
        ({"sec-fetch-site": "cross-site"}, False),
        ({"sec-fetch-site": "same-site"}, False),
        ({"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate"}, True),
        ({"origin": "http://b", "sec-fetch-mode": "navigate"}, False),
    ],
)
def test_promise_8_same_origin(headers: dict[str, str], same: bool) -> None:
    assert is_same_origin(headers, "a:1") is same
