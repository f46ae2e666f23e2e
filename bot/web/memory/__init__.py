"""The pages of a person's memory. They show it; what changes it are the chat's own commands (`deeds.py`)."""
