"""Ranges of both families in one text."""

from shipslog.store import families

BOTH = "10.244.0.0/16,fd00:10:244::/56"


def test_a_text_names_ranges_and_families_in_order() -> None:
    assert families.ranges_in("") == () and families.families_in("") == ()
    assert families.ranges_in(BOTH) == ("10.244.0.0/16", "fd00:10:244::/56")
    assert families.families_in(BOTH) == ("IPv4", "IPv6") and families.families_in("fd00::/64") == ("IPv6",)
    assert families.first_in(BOTH) == "10.244.0.1" and families.first_in("fd00::/64,10.0.0.0/8") == "fd00::1"


def test_either_range_has_its_addresses() -> None:
    assert families.holds(BOTH, "10.244.3.4") and families.holds(BOTH, "fd00:10:244:ff::1")
    assert not families.holds(BOTH, "10.245.0.1") and not families.holds(BOTH, "fd00:10:244:100::1")


def test_addresses_by_family() -> None:
    mixed = ("fd00::1", "", "10.0.0.1", "fd00::2", "10.0.0.2")
    assert families.of_family(mixed, "IPv6") == ("fd00::1", "fd00::2")
    assert families.one_each(mixed) == ("fd00::1", "10.0.0.1")


def test_an_address_is_written_in_one_way() -> None:
    for given, wanted in (("010.000.0.011", "10.0.0.11"), ("FD00:0::01", "fd00::1"), ("0.0.0.0", "0.0.0.0")):
        assert families.canonical(given) == wanted
    for none in ("", "None", "1.2.3", "10.0.0.0x1", "10..0.1", "10.0.0.-1", "x::y"):
        assert families.canonical(none) == ""
