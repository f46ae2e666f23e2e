"""What a shell runs in the program's place: ``ask.py NAME ARGUMENTS...`` has the warm program of that abstract address
(`tests.program.warm`) do it with the shell's own folder, environment and standard files, and ends as it ends.

It imports next to nothing: that is what makes it quick.
"""

import json
import os
import socket
import sys


def main() -> None:
    with socket.socket(socket.AF_UNIX) as caller:
        caller.connect(f"\0{sys.argv[1]}")
        start = {
            "arguments": sys.argv[2:],
            "folder": os.getcwd(),
            "environment": dict(os.environ),
            "terminal": False,
        }
        socket.send_fds(caller, [json.dumps(start).encode()], [0, 1, 2])
        with caller.makefile() as answers:
            answers.readline()  # its process id
            code = int(answers.readline())
    sys.exit(code if code >= 0 else 128 - code)


if __name__ == "__main__":
    main()
