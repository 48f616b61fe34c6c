# SPDX-License-Identifier: MIT
# title: files left behind
# tries: leave files in every writable place for the next job in the same slot
# job: plant x2
# result: planted 3
# job: look x4
# result: found []
# include "attack_py.py"
places = ("/box", "/tmp", "/dev/shm")
if sys.argv[1] == "plant":
    for p in places:
        open(p + "/left", "w").write("secret")
    say("planted", sum(os.path.exists(p + "/left") for p in places))
else:
    found = [p for place in places for p in os.listdir(place) if p != "main.py"]
    say("found", str(found))
