"""One's own memory for one's own programs: JSON, by the key that `/connect program` gives; docs/programs.md.

`operations.py` has all that can be asked, `shapes.py` what is asked and answered, `asking.py` who asks and what is true
of every request, `description.py` the OpenAPI document, which is made of these. What is done is done by what the
commands and the memory page do it by.
"""
