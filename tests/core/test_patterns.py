from jackline.core.patterns import Pattern


def test_offsets_are_in_characters() -> None:
    (found,) = Pattern("b(é)").finditer("ääbéc")
    assert (found.start(), found.end(), found.start(1), found.group(1)) == (2, 4, 3, "é")


def test_a_text_that_no_utf8_can_hold_is_read_all_the_same() -> None:
    found = Pattern("x+").search("\ud83d\ude00\udc00xx")
    assert found is not None
    assert (found.start(), found.end()) == (3, 5)


def test_an_expression_that_would_backtrack_for_years_ends() -> None:
    assert Pattern("(a*)*$").fullmatch("a" * 50_000 + "b") is None
    assert Pattern("(x+x+)+y").search("x" * 50_000) is None


def test_what_is_found_is_replaced() -> None:
    pattern = Pattern("[0-9]+")
    assert pattern.sub("n", "1 and 22") == "n and n"
    assert pattern.fullmatch("22") is not None
