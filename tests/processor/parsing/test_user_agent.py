import pytest

from processor.parsing.user_agent import UserAgent, parse_user_agent

WEBKIT = "AppleWebKit/537.36 (KHTML, like Gecko)"
WINDOWS = f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) {WEBKIT}"


@pytest.mark.parametrize(
    ("agent", "parsed"),
    [
        (None, UserAgent()),
        ("", UserAgent()),
        ("?", UserAgent(device="other")),
        (
            f"{WINDOWS} Chrome/142.0.0.0 Safari/537.36",
            UserAgent("Chrome", "142.0", "Windows", "desktop"),
        ),
        (
            "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0",
            UserAgent("Firefox", "145.0", "Linux", "desktop"),
        ),
        (
            "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko)"
            " Version/26.1 Safari/605.1.15",
            UserAgent("Safari", "26.1", "Mac OS X", "desktop"),
        ),
        (
            f"{WINDOWS} Chrome/142.0.0.0 Safari/537.36 Edg/142.0.0.0",
            UserAgent("Edge", "142.0", "Windows", "desktop"),
        ),
        (
            "Mozilla/5.0 (iPhone; CPU iPhone OS 18_7 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko)"
            " Version/26.1 Mobile/15E148 Safari/604.1",
            UserAgent("Mobile Safari", "26.1", "iOS", "mobile"),
        ),
        (
            f"Mozilla/5.0 (Linux; Android 10; K) {WEBKIT} Chrome/142.0.0.0 Mobile Safari/537.36",
            UserAgent("Chrome Mobile", "142.0", "Android", "mobile"),
        ),
        (
            f"Mozilla/5.0 (Linux; Android 10; K) {WEBKIT} Chrome/142.0.0.0 Safari/537.36",
            UserAgent("Chrome", "142.0", "Android", "tablet"),
        ),
        (
            "Mozilla/5.0 (iPad; CPU OS 12_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko)"
            " Version/12.1 Mobile/15E148 Safari/604.1",
            UserAgent("Mobile Safari", "12.1", "iOS", "tablet"),
        ),
        (
            "Mozilla/5.0 (iPhone; CPU iPhone OS 6_0 like Mac OS X) AppleWebKit/536.26 (KHTML, like Gecko)"
            " Version/6.0 Mobile/10A403 Safari/8536.25 a==b 100%",
            UserAgent("Mobile Safari", "6.0", "iOS", "mobile"),
        ),
        (
            "Mozilla/5.0 (iPhone; CPU iPhone OS 10_3 like Mac OS X) AppleWebKit/603.1 (KHTML, like Gecko)"
            " Mobile/14E277 [FB_IAB/FB4A;FBAV/103.0.0.1.1;]",
            UserAgent("Facebook", "103.0", "iOS", "mobile"),
        ),
        (
            "Mozilla/5.0 (Android 15; Mobile; rv:145.0) Gecko/145.0 Firefox/145.0",
            UserAgent("Firefox Mobile", "145.0", "Android", "mobile"),
        ),
    ],
)
def test_a_user_agent_names_browser_system_and_device(agent: str | None, parsed: UserAgent) -> None:
    assert parse_user_agent(agent) == parsed


@pytest.mark.parametrize(
    ("part", "device"),
    [
        ("(SMART-TV; Linux; Tizen 7.0) Safari/537.36", "tv"),
        ("(Linux; Android 11; BRAVIA 4K VH2) Safari/537.36", "tv"),
        ("(Web0S; Linux/SmartTV) Chrome/87.0 Safari/537.36 WebAppManager", "tv"),
        ("(Linux; Android 9; AFTKA Build/PS7646) Mobile Safari/537.36", "tv"),
        ("(Linux armv7l) Safari/537.36 OPR/46.0 OMI/4.20 NETTV/4.6.0.1 SmartTvA/5.0.0", "tv"),
        ("(Linux; Andr0id 9; BRAVIA) Safari/537.36", "tv"),
        ("(Linux; Android 12; Chromecast Build/STTE) Mobile Safari/537.36", "tv"),
        ("(Linux; arm; Android 9; H-LED50GU7003 Build/PPR2) Mobile Safari/537.36", "tv"),
        ("(Linux; Android 9; 43ULX9060T2) Safari/537.36", "tv"),
        ("(Linux; Android 11; Xiaomi TV Box) Safari/537.36", "tv"),
        ("(Linux; U; Android 10; HIPER MEDIA STICK 4K) Mobile Safari/537.36", "tv"),
        ("(CrKey armv7l 1.5.16041) Safari/537.36", "tv"),
        ("(Macintosh; AppleTV11,1; tvOS 17.0) Apple TV", "tv"),
        ("(PlayStation 5 8.0) Safari/605.1.15", "other"),
        ("(Windows NT 10.0; Win64; x64; Xbox; Xbox Series X) Edge/44.18363", "other"),
        ("(Linux; Android 12; Quest 3) Safari/537.36", "other"),
        ("(X11; GNU/Linux) Chrome/99.0 Safari/537.36 Tesla/2019.40.50.7", "other"),
        ("(X11; CrOS x86_64 14541.0.0) Safari/537.36", "desktop"),
        ("(Windows NT 10.0; Touch; Tablet PC 2.0) Safari/537.36", "desktop"),
        ("(Linux; Android 8.1.0; HP EliteBook 8470p) Safari/537.36", "desktop"),
        ("(Linux; Android 14; SM-X810) Mobile Safari/537.36", "tablet"),
        ("(Linux; Android 10; TB-X606F) Mobile Safari/537.36", "tablet"),
        ("(Linux; Android 13; TAB-10US) Mobile Safari/537.36", "tablet"),
        ("(Linux; Android 12; Redmi Pad) Mobile Safari/537.36", "tablet"),
        ("(Linux; Android 10; AGS3-L09) Mobile Safari/537.36", "tablet"),
        ("(Linux; U; Android 16; en-US; NDL2-W09 Build/HONORNDL2-W09S) Mobile Safari/537.36", "tablet"),
        ("(Linux; U; Android 4.4.2; B1) Version/4.0 Safari/534.30", "tablet"),
        ("(Linux; Android 11; Coolpad_2041) Mobile Safari/537.36", "mobile"),
        ("(Linux; Android 6.0.1; STV100-2) Mobile Safari/537.36", "mobile"),
        ("(Linux; Android 7.0; HTV32) Mobile Safari/537.36", "mobile"),
        ("(Linux; Android 6.0; 5030X) Mobile Safari/537.36", "mobile"),
        ("(Linux; Android 14; Quest 406) Mobile Safari/537.36", "mobile"),
        ("(BB10; Touch) Version/10 Mobile Safari/537.10", "mobile"),
        ("(Mobile; rv:48.0) Gecko/48.0 Firefox/48.0 KAIOS/2.5", "mobile"),
    ],
)
def test_a_device_has_a_kind(part: str, device: str) -> None:
    assert parse_user_agent(f"Mozilla/5.0 {part}").device == device
