"""The console: a terminal, or a pipe of lines. SDK: prompt_toolkit and Rich, loaded when a terminal is there.

Each person is an account ``console:<name>`` in a place of the same name, which is private. A reply without
a receipt is printed again after a restart under the same id: whoever reads a pipe counts distinct ids. What is for
somebody who is not here is kept until they are. Nothing that anybody wrote steers the terminal.
"""
