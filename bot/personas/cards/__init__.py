"""Character cards: the files in which communities trade personas.

They are other people's files: nothing in them is opened, fetched, run or decoded as an image, and whatever is
wrong with one is a `CardError` that says what. The formats are character cards V1 and V2
(malfoyslastname/character-card-spec-v2) and V3 (kwaroran/character-card-spec-v3), as JSON or inside a PNG.
"""
