import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from processor.parsing.url import parse_url


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("https://shop.example/a/b?x=1#top", ("shop.example", "/a/b", "x=1")),
        ("https://shop.example", ("shop.example", "/", "")),
        ("https://shop.example?x=1", ("shop.example", "/", "x=1")),
        ("https://shop.example#top?x=1", ("shop.example", "/", "")),
        ("HTTPS://Shop.EXAMPLE/A", ("shop.example", "/A", "")),
        ("https://shop.example.:8443/", ("shop.example", "/", "")),
        ("https://user:pass@shop.example/", ("shop.example", "/", "")),
        ("http://127.0.0.1:4566/site/index.html", ("127.0.0.1", "/site/index.html", "")),
        ("http://[2001:db8::7]:80/", ("2001:db8::7", "/", "")),
        ("android-app://com.google.android.gm/", ("com.google.android.gm", "/", "")),
        ("https://münchen.example/straße", ("münchen.example", "/straße", "")),
        (f"https://{253 * 'a'}/", (253 * "a", "/", "")),
        (f"https://{253 * 'a'}./", (253 * "a", "/", "")),
        (f"https://{254 * 'a'}/", None),
        (f"https://{1000 * '.a'}/", None),
        (f"https://shop.example/{2027 * 'a'}", ("shop.example", "/" + 2027 * "a", "")),
        (f"https://shop.example/{2028 * 'a'}", None),
        ("https://shop.example:port/x?a", ("shop.example", "/x", "a")),
        ("https://user:p@ss@shop.example/x", ("shop.example", "/x", "")),
        ("https://shop.example\\a\\b?x=\\", ("shop.example", "/a/b", "x=\\")),
        ("https://shop.example?path=C:\\", ("shop.example", "/", "path=C:\\")),
        ("https://shop.example/a b?x y", ("shop.example", "/a b", "x y")),
        ("https://shop.example../", ("shop.example", "/", "")),
        ("https:///path", None),
        ("https://[]/", None),
        ("/path", None),
        ("mailto:somebody@shop.example", None),
        ("shop.example/a", None),
        ("", None),
    ],
)
def test_a_url_is_split_into_host_path_and_query(text: str, url: tuple[str, str, str] | None) -> None:
    assert parse_url(text) == url


@settings(max_examples=50)
@given(st.text() | st.text().map("https://{}".format))
def test_no_text_makes_it_raise(text: str) -> None:
    url = parse_url(text)
    assert url is None or url[0]
