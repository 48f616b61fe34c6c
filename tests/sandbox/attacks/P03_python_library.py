# SPDX-License-Identifier: MIT
# title: the library of Python
# tries: files, databases, processes, executors, locks, times, names and temporary files
# stdout: "(0,) wal\n100000\n100000\n30\nTrue UTF-8\n/box\nlocked\ncopied\nselect\n"
import concurrent.futures, fcntl, locale, os, pathlib, select, shutil, sqlite3, subprocess, tempfile, time
db = sqlite3.connect("x.db")
mode = db.execute("pragma journal_mode=wal").fetchone()[0]
db.execute("create table t(a)")
db.commit()
print(db.execute("select count(*) from t").fetchone(), mode)
pathlib.Path("a").write_text("x" * 100000)
shutil.copyfile("a", "b")
print(os.path.getsize("b"))
print(subprocess.run("cat a | wc -c", shell=True, capture_output=True, text=True).stdout.strip())
with concurrent.futures.ThreadPoolExecutor(3) as pool:
    print(sum(pool.map(lambda x: x * x, range(5))))
print(time.localtime().tm_year > 2000, locale.getpreferredencoding())
print(os.path.expanduser("~"))
with tempfile.NamedTemporaryFile() as f:
    fcntl.flock(f, fcntl.LOCK_EX)
    fcntl.lockf(f, fcntl.LOCK_EX)
    print("locked")
shutil.copytree("/usr/lib/python3/dist-packages" if False else ".", "/tmp/copy")
print("copied")
r, w = os.pipe()
os.write(w, b"x")
print("select" if select.select([r], [], [], 1)[0] else "nothing")
