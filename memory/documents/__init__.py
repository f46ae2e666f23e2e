"""Documents: which files there are, what text is in them, and that text in pieces.

Everything here but `memory.documents.reader` is synchronous and may be slow. Nothing touches the network. Every
error is a `DocumentError` whose text is one sentence naming the file.
"""

from memory.documents.finding import digest, find_files, find_others
from memory.documents.reading import read_text
from memory.documents.splitting import chunks

__all__ = ["chunks", "digest", "find_files", "find_others", "read_text"]
