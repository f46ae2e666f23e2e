"""A door for programs: the chat-completions protocol of OpenAI (platform.openai.com/docs/api-reference/chat), where the
model is a persona and the key is a person's.

Of a request only the last message of the user is taken: the history is the agent's own.
"""
