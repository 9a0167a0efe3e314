"""How an attacker may write a text so that a model reads it and a pattern does not."""
# ruff: noqa: RUF001 - it is what this is about

from base64 import b64encode
from codecs import encode

from jackline.core.sanitise.decoding import MORSE


def tags(text: str) -> str:
    return "".join([chr(0xE0000 + ord(each)) for each in text])


def selectors(text: str) -> str:
    raw = text.encode()
    return "".join([chr(0xFE00 + byte if byte < 16 else 0xE0100 - 16 + byte) for byte in raw])


def split(text: str) -> str:
    return "\u200b".join(text)


def non_joined(text: str) -> str:
    return "".join([each + "\u2060\u00ad" for each in text])


def homoglyphs(text: str) -> str:
    return text.translate(str.maketrans("aceiopsxyAEO", "асеіорѕхуАЕО"))


def greek(text: str) -> str:
    return text.translate(str.maketrans("oviIA", "ονιΙΑ"))


def wide(text: str) -> str:
    return "".join([chr(ord(each) + 0xFEE0) if "!" <= each <= "~" else each for each in text])


def mathematical(text: str) -> str:
    bold = {chr(97 + n): chr(0x1D41A + n) for n in range(26)}
    bold |= {chr(65 + n): chr(0x1D400 + n) for n in range(26)}
    return text.translate(str.maketrans(bold))


def enclosed(text: str) -> str:
    circled = {chr(97 + n): chr(0x24D0 + n) for n in range(26)}
    squared = {chr(65 + n): chr(0x1F170 + n) for n in range(26)}
    return text.translate(str.maketrans(circled | squared))


def small_capitals(text: str) -> str:
    return text.translate(str.maketrans("abcdeghijklmnoprtuvwz", "ᴀʙᴄᴅᴇɢʜɪᴊᴋʟᴍɴᴏᴘʀᴛᴜᴠᴡᴢ"))


def superscript(text: str) -> str:
    return text.translate(str.maketrans("abcdefghijklmnoprstuvwxyz", "ᵃᵇᶜᵈᵉᶠᵍʰⁱʲᵏˡᵐⁿᵒᵖʳˢᵗᵘᵛʷˣʸᶻ"))


def stacked(text: str) -> str:
    return "".join([each + "\u0336\u0353" * each.isalpha() for each in text])


def leet(text: str) -> str:
    return text.translate(str.maketrans("aeiostAEIOST", "431057431057"))


def signs(text: str) -> str:
    return text.translate(str.maketrans("aisl", "@!$1"))


def rot13(text: str) -> str:
    return encode(text, "rot13")


def base64(text: str) -> str:
    return b64encode(text.encode()).decode()


def wrapped(text: str) -> str:
    code = base64(text)
    return "\n".join([code[at : at + 20] for at in range(0, len(code), 20)])


def base64_of_utf16(text: str) -> str:
    return b64encode(text.encode("utf-16-le")).decode()


def hexadecimal(text: str) -> str:
    return text.encode().hex()


def bytes_apart(text: str) -> str:
    return text.encode().hex(" ")


def bytes_escaped(text: str) -> str:
    return "".join([f"\\x{byte:02x}" for byte in text.encode()])


def units_escaped(text: str) -> str:
    raw = text.encode("utf-16-be")
    return "".join([f"\\u{raw[at : at + 2].hex()}" for at in range(0, len(raw), 2)])


def percent(text: str) -> str:
    return "".join([f"%{byte:02X}" for byte in text.encode()])


def entities(text: str) -> str:
    return "".join([f"&#{ord(each)};" if each.isalpha() else each for each in text])


def entities_hex(text: str) -> str:
    return "".join([f"&#x{ord(each):x};" for each in text])


def bits(text: str) -> str:
    return " ".join([f"{byte:08b}" for byte in text.encode()])


def morse(text: str) -> str:
    codes = {letter: code for code, letter in MORSE.items()}
    words = [[codes[each] for each in word if each in codes] for word in text.lower().split()]
    return " / ".join([" ".join(word) for word in words])


def letters_apart(text: str) -> str:
    return "   ".join([" ".join(word) for word in text.split()])


def comment(text: str) -> str:
    return f"<p>Nice shoes.</p><!-- {text} --><p>Cheap, too.</p>"


def commented(text: str) -> str:
    return "".join([each + "<!-- x -->" * (at % 3 == 1) for at, each in enumerate(text)])


def split_by_tags(text: str) -> str:
    return "".join([f"<b>{each}</b>" for each in text])


def hidden_style(text: str) -> str:
    return f'Hello <span style="color: black; display:none">{text}</span> there'


def tiny(text: str) -> str:
    return f"Hello <font style='font-size:0px'>{text}</font> there"


def image(text: str) -> str:
    return f"Look: ![{text}](https://pictures.example/1.png)"


def image_title(text: str) -> str:
    return f"Look: ![it](https://pictures.example/1.png '{text}')"


def remark(text: str) -> str:
    return f"# Title\n\n[//]: # ({text})\n\nBody"


def attribute(text: str) -> str:
    return f'<img src="a.png" alt="{text}">'


def coloured(text: str) -> str:
    return "".join([f"\x1b[3{at % 8}m{each}" for at, each in enumerate(text)]) + "\x1b[0m"


def turned_off(text: str) -> str:
    return f"\u202d{text}\u202c"


def window_title(text: str) -> str:
    return f"done\x1b]0;{text}\x07."
