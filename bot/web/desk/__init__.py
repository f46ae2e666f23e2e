"""The operator's desk: pages for `access.owners`. As the command line, it is in English, and shows nobody's texts."""
