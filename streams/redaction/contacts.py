"""E-mail and IP addresses pass by; what only looks like one (a version, a decorator, a slice) may stay."""

# Chinese text has Chinese punctuation

import ipaddress
import re
from collections.abc import Iterator

import re2

from streams.redaction.page import Found, Page

_LOCAL_BACKWARDS = re.compile(r"[0-9A-Za-zÀ-ɏ_.%+\-']{1,64}")
_LABEL = r"[0-9A-Za-zÀ-ɏ](?:[0-9A-Za-zÀ-ɏ_-]{0,62})"
_DOMAIN = re.compile(rf"(?:{_LABEL}\.){{1,8}}(?:xn--[0-9a-z-]{{2,59}}|[A-Za-zÀ-ɏ]{{2,24}})(?![0-9A-Za-z(])")
# lodash@4.17.21-rc.next, icon@2x.png
_VERSION_OR_FILE = re.compile(r"v?\d+\.\d|\d+x\.|[^.]+\.(?:png|jpe?g|gif|svg|webp)$")

_V4 = re.compile(r"(?<![0-9A-Za-z_.\-])(?:\d{1,3}\.){3}\d{1,3}(?![0-9A-Za-z_]|\.\d|-[0-9A-Za-z]|\.[a-z]{2,4}\b)")
_V6 = re.compile(r"(?:[0-9A-Fa-f]{0,4}:){2,7}(?:\d{1,3}(?:\.\d{1,3}){3}|[0-9A-Fa-f]{0,4})(?![0-9A-Za-z_:])")
_WORD_BEFORE = re.compile("[0-9A-Za-z_]")
_V6_BACKWARDS = re.compile(r"[0-9A-Fa-f:]{0,39}")
_COUNTED = re2.compile(
    r"(?i)(?:\b(?:v|ver|versions?|release|build|driver|firmware|upgraded?|downgraded?|updated?|section|chapter|clause|figure"
    r"|table|oid|rev|revision|sdk|patch)\b[^0-9\n]{0,24}(?:\d[\d.]*(?: (?:to|and|or|until) |, | ?(?:->|-|→|~) ?))?"
    r"|版本[^\d\n]{0,12}|升级[^\d\n]{0,10}|降级[^\d\n]{0,10}|更新[到至][^\d\n]{0,4}|[章节条]节?[^\d\n]{0,2}|第 ?"
    r"|固件[^\d\n]{0,8}"
    r"|[~=!<>]=[ \"']?|\^|~|(?-i:\b[A-Z][A-Za-z]+/))$"
)
_ADDRESSED = re2.compile(r"(?i)(?:\bip\b|\bhost\b|\baddr|\bdns\b|\bping\b|\bssh\b|地址)[^0-9\n]{0,12}$")
# What can be somebody's: global unicast, unique local, link-local, and addresses of v4 in v6's clothes.
_NETWORKS = tuple(map(ipaddress.IPv6Network, ("2000::/3", "fc00::/7", "fe80::/10", "64:ff9b::/96", "::ffff:0:0/96")))


def email(page: Page, trigger: re.Match[str]) -> Iterator[Found]:
    """Find the address around an @."""
    at = trigger.start() + 1
    domain = _DOMAIN.match(page.text, at + 1)
    if domain is None or _VERSION_OR_FILE.match(domain[0]):
        return
    local = _LOCAL_BACKWARDS.match(page.text[max(page.done, at - 64) : at][::-1])
    start = at - len(local[0].rstrip(".-'")) if local else at
    # git@host:path names a repository
    if start < at and not (page.text[start:at] == "git" and page.text.startswith(":", domain.end())):
        yield Found(start, domain.end(), "EMAIL")


def v4(page: Page, start: int) -> Found | None:
    """Find an IPv4 address at a place."""
    found = _V4.match(page.text, start)
    if found is None:
        return None
    try:
        address = ipaddress.IPv4Address(found[0])
    except ValueError:
        return None
    if address.is_loopback or address.is_unspecified or address.is_reserved:
        return None
    # Four small numbers number a version or a paragraph; of the addresses that may be dealt out they are one in 4,000.
    small = address.packed[0] != 10 and max(address.packed) < 32
    before = page.before(start)
    if (small and not _ADDRESSED.search(before)) or _COUNTED.search(before):
        return None
    return Found(start, found.end(), "IP")


def v6(page: Page, trigger: re.Match[str]) -> Iterator[Found]:
    """Find the IPv6 address around a trigger."""
    before = _V6_BACKWARDS.match(page.text[max(page.done, trigger.start() - 39) : trigger.start()][::-1])
    start = trigger.start() - (before.end() if before else 0)
    found = _V6.match(page.text, start)
    if found is None or _WORD_BEFORE.match(page.text[max(page.done, start - 1) : start]):
        return
    page.look(3)
    try:
        address = ipaddress.IPv6Address(found[0])
    except ValueError:
        return
    if any(address in network for network in _NETWORKS):
        yield Found(start, found.end(), "IP")
