# SPDX-License-Identifier: MIT
# title: servers and clients on localhost
# tries: TCP, UDP and Unix sockets, IPv6, asyncio's server, subprocesses and timers, HTTP
# stdout: "tcp\nudp\nunix\nipv6\nhttp 200\nchild\n"
# stdout[docker]: "tcp\nudp\nunix\nno ipv6\nhttp 200\nchild\n"
import asyncio, http.server, socket, threading, urllib.request
async def main():
    async def serve(r, w):
        w.write(await r.readline()); w.close()
    s = await asyncio.start_server(serve, "127.0.0.1", 0)
    r, w = await asyncio.open_connection(*s.sockets[0].getsockname())
    w.write(b"tcp\n"); print((await r.readline()).decode(), end="")
    a, b = socket.socket(type=socket.SOCK_DGRAM), socket.socket(type=socket.SOCK_DGRAM)
    a.bind(("127.0.0.1", 0)); b.sendto(b"udp", a.getsockname()); print(a.recv(10).decode())
    u = await asyncio.start_unix_server(serve, "/tmp/sock")
    r, w = await asyncio.open_unix_connection("/tmp/sock")
    w.write(b"unix\n"); print((await r.readline()).decode(), end="")
    try:
        six = await asyncio.start_server(serve, "::1", 0)
        r, w = await asyncio.open_connection(*six.sockets[0].getsockname()[:2])
        w.write(b"ipv6\n"); print((await r.readline()).decode(), end="", flush=True)
    except OSError:
        print("no ipv6", flush=True)
    h = http.server.ThreadingHTTPServer(("localhost", 0), http.server.SimpleHTTPRequestHandler)
    h.RequestHandlerClass.log_message = lambda *a: None
    threading.Thread(target=h.serve_forever, daemon=True).start()
    url = f"http://localhost:{h.server_address[1]}/"
    print("http", await asyncio.to_thread(lambda: urllib.request.urlopen(url).status), flush=True)
    p = await asyncio.create_subprocess_exec("echo", "child"); await p.wait()
asyncio.run(main())
