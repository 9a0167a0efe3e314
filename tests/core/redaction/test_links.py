import random
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.core.redaction.fragments import chunks

from jackline.core.redaction import links_allowed, links_stream, urls
from jackline.core.redaction.links import WITHHELD

PIECES = (
    "![a](https://evil.example/x.png?q=secret)",
    "[ok](https://good.example/a_(b))",
    "https://good.example",
    "<https://evil.example/a>",
    "[r]: //evil.example/x",
    "www.evil.example/a.",
    "see (https://evil.example/).",
    '<img src="//evil.example/p.gif">',
    "![x](&#104;ttps://evil.example)",
    "](/local/page)",
    "[a](#part)",
    "javascript:alert(1)",
    "https:\\\\evil.example",
    "请看https://evil.example/路径。谢谢",
    "http://[::1]:80/x",
    "data:image/png;base64,AAAA",
    "https://evil.example/" + "a" * 2100,
    "a:b",
    "note: it",
    "http",
    "://",
    "](",
    "![",
    "\n",
    " ",
    " ",
    " ",
    "\u00a0",
    "**",
    ")",
    "]",
    '"',
    "url(//evil.example)",
    "<img\nsrc\n=\n'",
    "//evil.example/a'>",
    "//good.example",
    "@import ",
    "=",
    "'",
    "/",
    "\\",
    "&#47;",
    "&Tab;",
    "&#9",
    "&#x0",
    "&NewLine;" * 17,
    "\t",
    "\x01",
    "\n" * 17,
    "&sol",
    "\\2f ",
    "&quot;",
    " " * 70,
    "data=",
    "h&#116;tps&colon;//evil.example",
    "content='0;",
    'content="0;url&#61;//evil.example" ',
    "content=&#48;&semi;",
    "ping='",
    'ping="/a //evil.example">',
    "srcdoc='&lt;a>",
    "srcdoc=",
    "srcdoc" + " " * 65,
    "![a](    ",
    "](<",
    "[x]:\n> ",
    "[x]:\n",
    "](" + "\n" * 66,
    "https\\:\\/\\/evil.example",
    "\\",
    'data="',
    "data='https:",
    'src="https:\t',
    "src = '",
    '("https:',
    "image-set(&quot;https:",
    "https://good.example'.evil.example",
    "https://good.example\u3002evil.example/x",
    "\u3002",
    ".evil",
    "=https://good.example`",
    "`",
    "word",
    "\ud800",
    "x" * 30,
    "image-set(",
    "@import/**/",
    "*/",
    "*",
    "&#40;",
    "&quot;",
    "&#0034",
    "&quot;//evil.example",
    "u\\72 l(",
    "\\75 rl",
    "&#105;mport ",
    "'h\\74",
    '"\\2f\\2f evil.example',
    "(&#47;&#47;",
    "\u2003",
    "\ufeff",
    "](\u2028<",
    "1x, ",
)


def good(url: str) -> bool:
    return url.removeprefix("https:").startswith("//good.example")


def streamed(text: str, length: int, allowed: Callable[[str], bool] = good) -> str:
    """Return what is told of a text that comes in pieces of this length."""
    stream = links_stream(allowed)
    pieces = [text[at : at + length] for at in range(0, len(text), length)]
    return "".join([*map(stream.feed, pieces), stream.finish()])


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("![a](https://e.x/p.png?q=1 'title')", ["https://e.x/p.png?q=1"]),
        ("[a](<https://e.x/a>), [b]( https://e.x/a_(b) )", ["https://e.x/a", "https://e.x/a_(b)"]),
        ("[ref]: //e.x/a\nwww.e.x, HTTPS://E.X!", ["//e.x/a", "www.e.x", "HTTPS://E.X"]),
        ("(https://e.x/a). [https://e.x/[1]]", ["https://e.x/a", "https://e.x/[1]"]),
        ('<img src="//e.x/p"><a href=https:e.x>', ["//e.x/p", "https:e.x"]),
        ("![a](&#104;ttps://e.x) [b](/\\e.x)", ["https://e.x", "//e.x"]),
        ("请看https://e.x/路径。谢谢", ["https://e.x/路径"]),
        ("_www.e.x/a_ and __www.e.x/b__", ["www.e.x/a", "www.e.x/b"]),
        ("background: url('//e.x/p')", ["//e.x/p"]),
        ("[a](#part), [b](/page?x=1:2), [c](page.md), a://", []),
        ("data: none, file:12, http: , note:it, 12:30, www.", []),
        ("[a](data:text/html,x) javascript:alert(1)", ["data:text/html,x", "javascript:alert(1)"]),
        ("ftp://u:p@e.x:21/a?b#c", ["ftp://u:p@e.x:21/a?b#c"]),
        ("[a](&#" + "0" * 300 + "104;ttps:e)", [""]),
        ("[a](&#0000104;ttps:e)", ["https:e"]),
        ("x = 1; // a, b (// c) 'a' // 2 = //", []),
        ("R&D: \"R&D:x\", q='a&amp;b', a //b", []),
    ],
)
def test_urls_are_found_as_a_client_reads_them(text: str, found: list[str]) -> None:
    assert [each.url for each in urls(text)] == found


@pytest.mark.parametrize(
    "html",
    [
        "<img\nsrc\n=\n'//e.x/a'>",
        "<img src=" + " " * 500 + "//e.x>",
        "<img src=    //e.x>",
        "<img srcset='a 1x, //e.x/b 2x'>",
        "<object data=//e.x>",
        "<object data='/\n/e.x'>",
        "<object data=&#47;&sol;e.x>",
        "<img src='/&Tab;/e.x'>",
        "<img src='&NewLine;//e.x'>",
        "<img src='&#32;//e.x'>",
        "<img src='&#x00d;&Tab; //e.x'>",
        "<img src=\x01//e.x>",
        "<img src=\x1f\\\\e.x>",
        "<object data='/&#10;&#x9/e.x'>",
        "<object data='\x0b \x1b//e.x'>",
        "<object data='&Tab;&NewLine;&#13 &#1;//e.x'>",
        "<object data='" + "&Tab;" * 60 + "//e.x'>",
        "<object data='" + "&#9;" * 100 + "//e.x'>",
        "<object data='/\t\n\r\t/e.x'>",
        "<img srcset='a 1x, &Tab;//e.x/b 2x'>",
        "[a](/&Tab;/e.x)",
        "url('\x02//e.x')",
        "<object data=https&colon;e.x>",
        "<object data=h&#116;tps:e.x>",
        "<iframe srcdoc='&lt;img src=&quot;//e.x'>",
        "<body background = //e.x>",
        "<button formaction=//e.x>",
        "<a ping=//e.x>",
        "<video poster=//e.x>",
        "<image xlink:href='//e.x'/>",
        "<meta http-equiv=refresh content='0;url=//e.x'>",
        "<meta http-equiv=refresh content='0; //e.x'>",
        "<meta http-equiv=refresh content='0;url&#61;//e.x'>",
        "<meta http-equiv=refresh content='0;URL &equals; \\\\e.x'>",
        "<meta http-equiv=refresh content='0&semi;//e.x'>",
        "<meta http-equiv=refresh content='&#48;;//e.x'>",
        "<meta http-equiv=refresh content=0&comma;//e.x>",
        "<meta http-equiv=refresh content='0&semi; //e.x'>",
        "<meta http-equiv=refresh content='.5&Tab;url&#61;&#104;ttps:e.x'>",
        "<meta http-equiv=refresh content='&#48;&semi;h&#116;tps&colon;e.x'>",
        "<meta http-equiv=refresh content='" + "0" * 300 + ";//e.x'>",
        "<meta http-equiv=refresh content='" + "&#48;" * 300 + ";//e.x'>",
        "<a ping='/x //e.x'>",
        "<a ping='#x\n&Tab;//e.x' href='#x'>",
        "<a ping='//good.example/a //e.x'>",
        "<a ping='//good.example/a&#32;//e.x'>",
        "<a ping=/a&#32;//e.x>",
        "<a ping='" + "/x " * 700 + "//e.x'>",
        "<iframe srcdoc='&lt;img src=&amp;#47;&amp;#47;e.x&gt;'></iframe>",
        "<iframe srcdoc='<img src=\"&amp;Tab;//e.x\">'>",
        "<iframe srcdoc=&lt;img/src=&amp;sol;&amp;sol;e.x&gt;>",
        '<iframe SrcDoc\n=\n"' + "x" * 5000 + "&amp;sol;&amp;sol;e.x",
        "<style>@import '//e.x'</style>",
        "<p style=background:url(//e.x)>",
        "url( '//e.x')",
        r"url(\2f\2f e.x)",
        "image-set('//e.x')",
        "[a](<  //e.x>)",
        "[a]:\n //e.x",
        "[a]:\n> //e.x",
        "[a]:\n> <https\\://e.x>",
        "[a]:\r\n   https\\:\\/\\/e.x",
        "[a]:     &#104;ttps&#58;//e.x",
        "![a](    https\\:\\/\\/e.x/p?d=1)",
        "![a](\t\t\t\t\n<&#x68;ttps&#x3a;&#x2f;&#x2f;e.x>)",
        "> ![a](\n>      https\\://e.x)",
        "<img src='https:\t//e.x'>",
        "<img src='//\te.x'>",
        "<img src='/\t/\te.x'>",
        "<img src='\n \x01https:\n\r/e.x'>",
        "<img src='h\nttps:\ne.x'>",
        "<img src='https:&#9;//e.x'>",
        "<a href='java\nscript: e.x'>",
        "<a href='\t\nhttps&#9;:e.x'>",
        "<object data='//)e.x'>",
        "<object data=//).e.x>",
        "[a]: <&#32; //e.x>",
        "![a](<https\\:\\/\\/e.x 1>)",
        "![a](< https\\:e.x>)",
        "[a]:\n< &#32;http\\:s:e.x>",
        "<object data='https:\t//e.x'>",
        "<object data='http\t:\n//e.x'>",
        "<object data='https:\n/e.x'>",
        "<object data=' HTTPS:\r\n\\\\e.x'>",
        "<object data='" + "\n" * 70 + "h\tttps\n://e.x'>",
        "<body background = '\x00https:\t//e.x'>",
        '<a xlink:href="https:\t//e.x">',
        "<p style='background:image-set(\"https:\t//e.x\" 1x)'>",
        '<p style="background:image-set(&quot;https:\t//e.x&quot; 1x)">',
        "<p style='background:url( &#34;//\te.x&#x22;)'>",
        "<style>@import 'https:\t//e.x'</style>",
        "<img src='https:\t//e.x",
        "![[//e.x]]",
    ],
)
def test_what_loads_by_itself_is_withheld_whatever_it_stands_behind(html: str) -> None:
    assert "e.x" not in links_allowed(html, good)
    for length in (1, 3, 50):
        assert streamed(html, length) == links_allowed(html, good)


@pytest.mark.parametrize(
    "text",
    [
        "<img src='{}\t.evil.example/?d=1'>",
        "<img src='{}\n@evil.example/?d=1'>",
        '<img src="{}\'.evil.example/?d=1">',
        "<object data='{}/ 91000'>",
        "<object data='{}/\r91000'>",
        "<object data='{}/<91000'>",
        "<object data='{}\u3002evil.example/?d=1'>",
        "<p style='background:url(\"{}/ 91000\")'>",
        "image-set('{}\t.evil.example/?d=1' 1x)",
        "<img src={}'.evil.example/?d=1>",
        "<object data = {}`91000>",
        "<object data={}/\x0191000>",
        "<object data='{}).evil.example/?d=1'>",
        "<object data={}).evil.example/?d=1>",
        "<object data={})'.evil.example/?d=1>",
        "<object data={}').evil.example/?d=1>",
        "<object data=&#32;{}'.evil.example/?d=1>",
        '<object data="{}\u201d.evil.example/?d=1">',
        "![a](<&#32;\t{}\u3002evil.example>)",
        "[a]: <{}).evil.example>",
        "![a]({}/>91000)",
        "<{}\uff0c?d=1>",
        "![a]({}\u3002evil.example/?d=1)",
        "![a](  {}'@evil.example/?d=1)",
        "![a](\n> <{} 91000>)",
        "[a]: {}''91000",
        "[a]:\n> <{}\t91000>",
        "{}\u3002evil.example/?d=1",
        "{}'.evil.example",
        "see '{}\uff0c@evil.example",
    ],
)
def test_a_url_that_was_named_is_another_one_where_a_client_reads_on(text: str) -> None:
    def named(url: str) -> bool:
        return url.rstrip("/") == "https://good.example"

    written = text.format("https://good.example")
    out = links_allowed(written, named)
    assert WITHHELD in out
    assert "good.example" not in out
    for length in (1, 3, 50):
        assert streamed(written, length, named) == out


@pytest.mark.parametrize(
    "text",
    [
        "See \"https://good.example\".Then 'https://good.example', `https://good.example`.",
        "He said, \"https://good.example is down\nfor me\", and ('https://good.example').",
        'print("https://good.example is up"); call("--url=https://good.example")',
        "Run `curl --url=https://good.example` or `x=https://good.example`, as you like.",
        "\u770b https://good.example\u3002\u8c22\u8c22\u3002\u518d\u89c1\u3002",
        "\uff08https://good.example\uff09www https://good.example/a\u3002b.c",
        "\\url{https://good.example}.Then {https://good.example}x.y",
        "(url=https://good.example), x=(https://good.example)! <https://good.example|it> [a](<b>)",
        "fetch(`https://good.example${base.path}`); f'https://good.example{base.path}'",
        '<a href="https://good.example">it\'s</a> <img src=\'//good.example/a b\' alt="a: b">'[:36],
        '<img src="/a b.png" alt="Note: this, http: and // that" title="https: is a scheme">',
        'x = "// a comment"; y = "javascript: the good parts"; z = "data: none"; w = "a\nb: c"',
        'open("C:\\\\Users\\\\me\\\\x.txt"); path = "C:\\\\a\\\\b"; it is in D:\\\\data now',
        "http:\n  port: 80\nhttps:\n  port: 443\n",
        "if d[0]:\n    d[1:3] = 5\nclass A[T]:\n    x:int = 1\n    // c\n",
        "[a](file\\_name.md), [b](a\\:b), [INFO]: Error: none"[:23],
    ],
)
def test_a_url_that_was_named_stays_where_nobody_reads_on(text: str) -> None:
    assert links_allowed(text, good) == text
    for length in (1, 50):
        assert streamed(text, length) == text


@pytest.mark.parametrize("quote", ["'", '"'])
def test_no_number_of_breaks_hides_a_url_in_quotation_marks(quote: str) -> None:
    for times in (16, 65, 3000):
        for html in (
            f"<object data={quote}h{chr(10) * times}ttps://e.x{quote}>",
            f"<object data={quote}{' ' * times}https:{chr(9) * times}//e.x{quote}>",
            f"![a]({' ' * times}https\\:\\/\\/e.x)",
        ):
            out = links_allowed(html, good)
            assert WITHHELD in out.split("ttps")[0]
            for length in (1, 50):
                assert streamed(html, length) == out


@pytest.mark.parametrize("name", ["ping", "srcdoc", "content"])
@pytest.mark.parametrize("spaces", [65, 400])
def test_space_around_the_sign_hides_no_attribute(name: str, spaces: int) -> None:
    for html in (
        f"<a {name}{' ' * spaces}='0;/x //e.x'>",
        f"<a {name}={' ' * spaces}'0;/x //e.x'>",
    ):
        out = links_allowed(html, good)
        assert WITHHELD in out.split("'")[0]
        for length in (1, 50):
            assert streamed(html, length) == out


@pytest.mark.parametrize(
    "text",
    [
        "<https://evil.example/a",
        "<img https://good.example/src=//evil.example/p>",
        "<svg><image https://good.example/xlink:href=https://evil.example/p></svg>",
        "_https://evil.example/a_",
        "https://good.example/[a](b)](//evil.example/a)",
        "<a title='R&D&#58; h&#116;tps&#58;//evil.example'>",
        "<a title='\nhttps\n:\n//evil.example'>",
        "url(" + " " * 70 + "//evil.example)",
    ],
)
def test_nothing_is_left_of_what_leads_away(text: str) -> None:
    out = links_allowed(text, good)
    assert WITHHELD in out
    assert "//evil.example" not in out.replace(" ", "")
    for length in (1, 50):
        assert streamed(text, length) == out


def test_what_an_unknown_name_is_given_is_a_url_or_a_comment_or_neither() -> None:
    for text in ('call(x="https://good.example/a")', 'x="//todo, later"', 'x="a: b"'):
        assert links_allowed(text, good) == text
    assert links_allowed('x="https://evil.example/a b"', good) == f'x="{WITHHELD}"'


def test_quotation_marks_of_people_are_none_of_code() -> None:
    for text in ("(\u201c//good.example is up\u201d)", "(\u201cno: a\\b, https\u201d)"):
        assert links_allowed(text, good) == text


def test_what_follows_an_attribute_that_was_withheld_stays() -> None:
    html = "<a ping='/a //e.x' href='/b'>c</a> <iframe srcdoc=\"<p>d</p>\">e</iframe>"
    assert (
        links_allowed(html, good)
        == f"<a ping='{WITHHELD}' href='/b'>c</a> <iframe srcdoc=\"{WITHHELD}\">e</iframe>"
    )
    endless = links_allowed("srcdoc='" + "x" * 20_000, good)
    assert endless == f"srcdoc='{WITHHELD}" + "x" * (
        20_000 - (1 << 14) - 2048 + len("srcdoc='x") - 8
    )


@pytest.mark.parametrize(
    "html",
    [
        "<meta http-equiv=refresh content='0; url=//good.example/a?b=1&amp;c=2'>",
        "<meta http-equiv=refresh content='0&semi;url&#61;https://good.example/a'>",
        "<meta http-equiv=refresh content='5'> <meta content='0; url=/here'>",
        "<meta name=description content='Tips &amp; tricks: 10 ways, 2024; all // new'>",
        "<meta property=og:url content='https://good.example/a'>",
        "<a ping='/a /b' href='/c'> <a ping='//good.example/a'> ping = 5, content = 0.5;",
        'content = "Some words: ' + "and more " * 300 + '"',
    ],
)
def test_attributes_that_lead_nowhere_else_stay(html: str) -> None:
    assert links_allowed(html, good) == html
    for length in (1, 50):
        assert streamed(html, length) == html


@pytest.mark.parametrize("dropped", ["\t", "\n", "&Tab;", "&#9;", "&#000009", "&#0000000009;"])
@pytest.mark.parametrize("times", [1, 16, 17, 60, 300])
def test_no_number_of_what_a_client_drops_hides_a_host(dropped: str, times: int) -> None:
    for html in (f"<img src='/{dropped * times}/e.x'>", f"<object data='/{dropped * times}/e.x'>"):
        out = links_allowed(html, good)
        assert "'#link-withheld" in out
        for length in (1, 50):
            assert streamed(html, length) == out


@pytest.mark.parametrize("code", range(33))
def test_a_control_before_two_slashes_is_dropped_by_a_client_and_so_here(code: int) -> None:
    # What names no sign is one of its own for a client, and leads nowhere else.
    for written in (chr(code), f"&#{code};", f"&#x{code:x};")[: 3 if code else 1]:
        for begin in ("<img src='", "<img src=", "url('", "<object data='"):
            assert "e.x" not in links_allowed(f"{begin}{written}//e.x?d=1'>", good)
    if chr(code) in "\t\n\r":
        assert "e.x" not in links_allowed(f"<img src='/&#{code};/e.x'>", good)


def test_what_is_dropped_before_a_host_that_is_allowed_does_no_harm() -> None:
    for html in ("<img src='&#32;//good.example/a'>", "<img src='&#1;&#32;//good.example/a'>"):
        assert links_allowed(html, good) == html


def test_what_is_not_allowed_is_replaced_and_the_rest_stays() -> None:
    text = "![a](https://evil.example/?q=1) and [b](https://good.example/x)."
    assert links_allowed(text, good) == f"![a]({WITHHELD}) and [b](https://good.example/x)."


def test_a_url_goes_out_when_it_is_whole_and_words_before_it_at_once() -> None:
    stream = links_stream(good)
    assert stream.feed("Look here: ") == "Look here: "
    assert stream.feed("https://good.exam") == ""
    assert stream.feed("ple/a") == ""
    assert stream.feed(" and ") == "https://good.example/a and "
    assert stream.feed("https://evil.example") + stream.finish() == WITHHELD


def test_what_is_too_long_for_a_url_is_not_asked_about() -> None:
    asked = list[str]()
    text = "a https://good.example/" + "b" * 5000 + " c"
    assert links_allowed(text, lambda url: not asked.append(url)) == f"a {WITHHELD} c"
    assert asked == []


def test_urls_in_pieces_are_withheld_as_in_the_whole() -> None:
    for seed in range(400):
        draw = random.Random(seed)
        text = "".join(draw.choices(PIECES, k=draw.randint(1, 7)))
        wanted = links_allowed(text, good)
        for _ in range(8):
            stream = links_stream(good)
            out = "".join([*map(stream.feed, chunks(draw, text)), stream.finish()])
            assert out == wanted, text


@settings(max_examples=150)
@given(
    st.lists(st.one_of(st.sampled_from(PIECES), st.text(max_size=5)), max_size=8).map("".join),
    st.integers(1, 30),
)
def test_no_text_breaks_it(text: str, length: int) -> None:
    assert streamed(text, length) == links_allowed(text, good)
