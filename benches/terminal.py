"""A program in a pseudo-terminal, measured from outside: time to its first data, processor time, memory, output."""
import fcntl
import glob
import os
import pty
import re
import select
import signal
import struct
import termios
import time


class Terminal:
    """A program in a pseudo-terminal, its output counted."""

    def __init__(self, command, environment=None, columns=120, rows=40):
        self.began = time.monotonic()
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.environ.update({"TERM": "xterm-256color", **(environment or {})})
            os.execvp(command[0], command)
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        self.bytes = 0
        self.text = b""

    def read_for(self, seconds, until=None):
        """Reads for so long, or until the output holds `until`; the seconds since the start when it did."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            if not select.select([self.fd], [], [], left)[0]:
                break
            if not self.take():
                break
            if until and until.search(plain(self.text)):
                return time.monotonic() - self.began
        return None

    def take(self):
        """Reads what is there; false at the end."""
        try:
            chunk = os.read(self.fd, 65536)
        except OSError:
            return False
        self.bytes += len(chunk)
        self.text = (self.text + chunk)[-200_000:]
        # Answer a program that asks for the cursor's place.
        if b"\x1b[6n" in chunk:
            os.write(self.fd, b"\x1b[1;1R")
        return bool(chunk)

    def send(self, text):
        os.write(self.fd, text.encode())

    def answer(self, key, within=2):
        """Seconds from a key to the end of what it made the program draw: output, then 3 ms without."""
        self.read_for(0.02)
        began = last = time.monotonic()
        self.send(key)
        drawn = False
        while time.monotonic() - began < within:
            if select.select([self.fd], [], [], 0.003 if drawn else 0.05)[0]:
                self.take()
                last, drawn = time.monotonic(), True
            elif drawn:
                return last - began
        return float("inf")

    def cpu(self):
        """Seconds of processor time so far, of all its threads: the scheduler counts nanoseconds, /proc/PID/stat ticks."""
        threads = glob.glob(f"/proc/{self.pid}/task/*/schedstat")
        return sum(int(open(thread).read().split()[0]) for thread in threads) / 1e9

    def peak(self):
        """Peak resident memory in kB."""
        return int(re.search(r"VmHWM:\s+(\d+)", open(f"/proc/{self.pid}/status").read())[1])

    def close(self):
        try:
            os.kill(self.pid, signal.SIGTERM)
            self.read_for(1)
            os.kill(self.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        os.close(self.fd)
        os.waitpid(self.pid, 0)


def plain(raw):
    """Terminal output without its control sequences, as far as searching needs."""
    return re.sub(rb"\x1b\[[0-9;?<>=]*[A-Za-z]|\x1b[()][A-Z0-9]|\x1b[=>78]", b" ", raw)
