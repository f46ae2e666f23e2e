import re
from collections import Counter
_P=re.compile(r"(?P<low>[A-Z]?[a-z]+)|(?P<up>[A-Z]+(?![a-z]))|(?P<dig>\d+)|(?P<sp> +|\n+|\t+|\s)|(?P<cyr>[\u0370-\u052f]+)|(?P<cjk>[\u2e80-\ua4cf\uac00-\ud7af\uf900-\ufaff])|(?P<astral>[\U00010000-\U0010ffff])|(?P<lat>[A-Za-z\u00c0-\u024f\u1e00-\u1eff]+)|(?P<marks>[!-/:-@\[-`{-~]+)|(?P<other>.)",re.S)
