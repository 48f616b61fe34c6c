# SPDX-License-Identifier: MIT
# title: multiprocessing
# tries: pools by fork and by spawn, shared memory, queues, locks, values, managers
# limits: cpuMs=20000 wallMs=30000
# stdout: "285\n285\nshared\n[1, 2]\n40\n"
import multiprocessing
from multiprocessing import shared_memory
def square(x):
    return x * x
def add(value, lock):
    for _ in range(10):
        with lock:
            value.value += 1
def put(q):
    q.put([1, 2])
if __name__ == "__main__":
    for how in ("fork", "spawn"):
        with multiprocessing.get_context(how).Pool(2) as pool:
            print(sum(pool.map(square, range(10))), flush=True)
    m = shared_memory.SharedMemory(create=True, size=10)
    m.buf[:6] = b"shared"
    n = shared_memory.SharedMemory(m.name)
    print(bytes(n.buf[:6]).decode())
    n.close(); m.close(); m.unlink()
    q = multiprocessing.Queue()
    p = multiprocessing.Process(target=put, args=(q,)); p.start(); print(q.get()); p.join()
    v, lock = multiprocessing.Value("i", 0), multiprocessing.Lock()
    ps = [multiprocessing.Process(target=add, args=(v, lock)) for _ in range(4)]
    [p.start() for p in ps]; [p.join() for p in ps]
    print(v.value)
