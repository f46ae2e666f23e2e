"""One's own memory for one's own programs: JSON, by the key that `/connect program` gives; docs/programs.md.

`routes.py` has the paths, `operations.py` what each does, `shapes.py` what is asked and answered, `asking.py` who asks
and what is true of every request, `description.py` the OpenAPI document, which is made of these.
"""
