# SPDX-License-Identifier: MIT
# title: bytes that are no text
# tries: write every byte value, and get it back replaced where it is no UTF-8
# stdout-has: ^\x00\x01
# stdout-has: ABC
# stdout-has: �
import os
os.write(1, bytes(range(256)))
