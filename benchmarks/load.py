"""Many clients at once, on loopback, that count answers: `python -m benchmarks.load PORT CLICKS SECONDS`."""

import asyncio
import sys
from time import perf_counter

from benchmarks.events import make_body
from benchmarks.firehose import content_length

CLIENTS = 16


def main() -> None:
    port, clicks, seconds = int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])
    print(asyncio.run(load(port, make_body(clicks).encode(), seconds)))


async def load(port: int, body: bytes, seconds: float) -> float:
    """Answers a second, each a 202."""
    begun = perf_counter()
    counts = await asyncio.gather(*(client(port, body, begun + seconds) for _ in range(CLIENTS)))
    return sum(counts) / (perf_counter() - begun)


async def client(port: int, body: bytes, until: float) -> int:
    request = b"POST /clicks HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
    request += b"Content-Length: %d\r\n\r\n%b" % (len(body), body)
    count = 0
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        while perf_counter() < until:
            writer.write(request)
            head = await reader.readuntil(b"\r\n\r\n")
            await reader.readexactly(content_length(head))
            if b" 202 " not in head[:14]:
                raise RuntimeError(head.decode())
            count += 1
            if head.startswith(b"HTTP/1.0") or b"connection: close" in head.lower():  # as some servers do
                writer.close()
                reader, writer = await asyncio.open_connection("127.0.0.1", port)
    finally:
        writer.close()
    return count


if __name__ == "__main__":
    main()
