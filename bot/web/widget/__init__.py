"""The chat on the operator's own sites: strangers as guests there, people as themselves."""
