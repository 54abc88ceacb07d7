"""The kind of device that a user agent names: desktop, mobile, tablet, tv or other.

docs/line.md says how many devices the rules find on lists that they were not written for. The first match
wins, and the order matters: TVs also say Linux, tablets say Android, phones say both. Android browsers say
Mobile on phones and on a fifth of all tablets. iPads since 2019 claim to be a Macintosh.
"""

from typing import Literal

from ua_parser_rs import UserAgentExtractor

Device = Literal["desktop", "mobile", "tablet", "tv", "other"]

# Where Android's agents name the device. Many makers call a TV "LED32" or "43LE70" there: the number is the
# size of its screen in inches.
_MODEL = r"Android [\d.]+; (?:[A-Za-z-]+[-_][A-Za-z]+ ?; )?"
_INCHES = r"(?:19|2[248]|32|39|4[0-389]|5[0258]|6[05]|7[05]|8[56])"

_OTHER = (
    r"Play[Ss]tation|XBOX_|Xbox|Nintendo|Watch|; Quest(?: \d| Pro)?(?:\)| Build)|Oculus|\bVR\b",
    r"Sonos/|Family ?Hub|Tesla/",
)
_TV = (
    # words, and standards of TVs, set-top boxes and sticks
    r"(?i:\btv\b|[_ -]tv[-_ );]|_tv\d|smart-?tv|mitv|mibox|[a-z]atv\b|tdtv|hgtv|stbapp|\bstb\b|_stb)",
    r"(?i:(?:google|apple) ?tv|androidtv|chromecast|hbbtv|ce-html|nettv|inettv|netcast|web0s)",
    r"BRAVIA|(?:Sony|VIZIO-)DTV|\bAFT[A-Z]|CrKey|Roku|SRAF/|DuneHD|TiVo|AQUOS|VIDAA|Model/Vestel|VSTVB",
    r"[a-z0-9]TV\b|BrightSign|YNDX-|Freebox|Andr0id|OMI/\d|Espial|GW-Device",
    r", ?(?:wired|wireless)\)|Presto/[\d.]+ Version/[\d.]+ \(av",
    rf"{_MODEL}[\w .-]*(?:LED_?\d\d|[Bb]ox\b|[Bb]ox[-_ ]|BOX\b|BOX[-_ ]|(?i:stick)\b| [Ss]hell |UHD\b)",
    rf"{_MODEL}(?:[A-Za-z]+[-_ ])?{_INCHES}[A-Z]{{1,4}}-?\d",
    rf"{_MODEL}(?:(?i:beelink|mecool|minix|mygica|pendoo|polar|rombica|ugoos|vontar|zidoo)|.*MXQ)",
    rf"{_MODEL}(?:[HT]9[56]|A95X|HK1|KM\d|TX\d)",
)
_TABLET = (
    r"(?i:\bipad|tablet|playbook|silk/|kindle|/apad|\btab(?:[-_ \d);/]|[a-z]?\d)|[a-z]tab[ _\d);/])",
    r"(?i:(?:[^l]|[^o]l)pad(?:[-_ ;)/+\d]|$))",  # a Coolpad is a phone
    # series that their makers use for tablets only
    r"Android 3\.|Nexus (?:7|9|10)\b|\b(?:AGS|BAH|BTV|BZT|CMR|DBY|JDN|KOB|MRX|SCM|SHT)\d?-|\b[A-Z]{3}\d?-W\d",
    r"\b(?:SM-[TXP]|GT-P|GT-N[58]|SHW-M[34]8|SGP|PM[TP]|TPC-|RCT|MID|TB-?|YT\d?-)[\dX]|\bKF[A-Z]{2}",
    rf"{_MODEL}(?:[A-Za-z]+[ _])?(?:TZ\d|Optima \d|Plane|CITI|iPlay|[Ee]Zee|Woxter|ASUS [PKT]0|MZ\d)",
)
_MOBILE = (
    r"Mobi|iPhone|iPod|Windows (?:Phone|CE)|Opera Mini|BlackBerry|\bBB10|MIDP|CLDC|Symbian",
    r"Nokia|UCWEB|UP\.Browser|KAIOS|DoCoMo|WAP|MAUI|\(iPh",
)

_RULES: tuple[tuple[Device, tuple[str, ...]], ...] = (
    ("other", _OTHER),
    ("tv", _TV),
    ("desktop", (r"Windows.*Tablet PC|; Desktop;|\bwin10\b|macOS",)),
    ("tablet", _TABLET),
    ("mobile", _MOBILE),
    ("desktop", (rf"{_MODEL}[\w .-]*(?:(?:Elite|Chrome|Note|Think)[Bb]ook|Latitude|Inspiron)",)),
    ("tablet", (r"Android.*(?:Safari|Firefox)",)),
    ("mobile", (r"Android",)),
    ("desktop", (r"Windows|Macintosh|Mac ?OS|X11|Wayland|CrOS|Linux|BSD|Darwin",)),
)

_ENGINE = UserAgentExtractor(
    ("|".join(patterns), device, None, None, None, None) for device, patterns in _RULES
)


def device_of(agent: str) -> str:
    """Return the kind of the device. Bots that name no system are `other`."""
    found = _ENGINE.extract(agent)
    return found.family if found and found.family else "other"
