"""The classic example: a pool of 200 threads that each call gethostbyaddr. threads_names.py FILE"""

import socket
import sys
from concurrent.futures import ThreadPoolExecutor


def look_up(line):
    address = line.strip()
    try:
        name = socket.gethostbyaddr(address)[0]
    except OSError:
        name = ""
    return f"{address}\t{name}"


with ThreadPoolExecutor(200) as pool, open(sys.argv[1]) as lines:
    for found in pool.map(look_up, lines):
        print(found)
