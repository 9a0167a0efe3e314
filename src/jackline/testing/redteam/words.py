"""Words in the names of tools, arguments and fields, and what they say of them.

A name proves nothing. Here it only says what is worth an attack, and what an attack would write.
"""


def words_of(name: str) -> list[str]:
    """Return the words of a name: `customerEmail` and `customer_email` have two."""
    apart = "".join(f" {sign}" if sign.isupper() else sign for sign in name)
    return apart.lower().replace("_", " ").replace("-", " ").replace(".", " ").split()


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


# What is said in these is content: whoever gets it reads it, and it decides nothing.
PROSE_NAMES = _words("""
    body text message messages subject content comment note notes description summary title
    reason memo caption remark details reply answer greeting letter
""")
ADDRESSES = _words("""
    to cc bcc recipient recipients address addresses email emails mail participants attendees
    invitees receiver payee beneficiary channel
""")
IDS = _words("id ids number code key uuid account")
PATHS = _words("path file filename folder directory attachment attachments")
FILE_ENDINGS = _words("""
    txt md pdf csv tsv json yaml yml toml xml html htm doc docx xls xlsx ppt pptx odt png jpg jpeg
    gif svg webp mp3 mp4 zip gz tar log ini cfg conf py js ts css sql db eml ics
""")
# What others write, whatever a tool's author says of it: to call it trusted is an error.
HEARSAY = _words("""
    body text message messages subject content contents comment comments note notes
    description summary review reviews snippet excerpt transcript caption remark reply quote
""")
HEARD_BY = _words("""
    mail mails email emails inbox message messages web page pages website browse internet
    comment comments review reviews ticket tickets chat document documents upload uploads
    issue issues thread feed transcript letter letters
""")
PEOPLE = _words("sender from author customer user username nickname participants")
# Tools that are called so do something, or send something out, whatever their effect says.
DOES = _words("""
    send pay transfer delete remove create update cancel refund publish write set add invite
    rename approve buy reserve upload submit forward notify execute install remember save
""")
CALLS_OUT = _words("fetch browse download request http web url ping webhook resolve")
