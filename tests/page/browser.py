"""A headless Chromium, spoken to over its debugging pipe: no package beside Python's own is needed."""
import base64
import json
import os
import shutil
import signal
import subprocess
import tempfile

NAMES = ["chromium", "chromium-headless-shell", "chromium-browser", "google-chrome"]


def find_browser():
    return next((found for found in map(shutil.which, NAMES) if found), None)


class Browser:
    """One tab. Messages of the tab are gathered in `events`."""

    def __init__(self, program):
        self.folder = tempfile.mkdtemp(prefix="page-test-")
        to_read, self.to = os.pipe()
        self.of, of_write = os.pipe()
        arguments = [program, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
                     "--no-first-run", "--disable-extensions", "--disable-background-networking",
                     f"--user-data-dir={self.folder}", "--remote-debugging-pipe", "about:blank"]
        self.process = subprocess.Popen(
            ["/bin/sh", "-c", f'exec "$@" 3<&{to_read} 4>&{of_write}', "sh", *arguments], start_new_session=True,
            pass_fds=(to_read, of_write), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        os.close(to_read)
        os.close(of_write)
        self.pending = b""
        self.number = 0
        self.events = []
        self.tab = None
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self.tab = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ["Page", "Runtime", "Log", "Network"]:
            self.call(f"{domain}.enable")

    def close(self):
        os.close(self.to)
        os.close(self.of)
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)

    def message(self):
        while b"\0" not in self.pending:
            piece = os.read(self.of, 1 << 20)
            if not piece:
                raise RuntimeError("the browser has gone")
            self.pending += piece
        text, self.pending = self.pending.split(b"\0", 1)
        return json.loads(text)

    def call(self, method, **parameters):
        self.number += 1
        request = {"id": self.number, "method": method, "params": parameters}
        if self.tab:
            request["sessionId"] = self.tab
        data = json.dumps(request).encode() + b"\0"
        while data:
            data = data[os.write(self.to, data):]
        while True:
            answer = self.message()
            if answer.get("id") == self.number:
                if "error" in answer:
                    raise RuntimeError(f"{method}: {answer['error']}")
                return answer["result"]
            self.events.append(answer)

    def processor_seconds(self):
        """Of all processes that draw pages, so far."""
        ticks = 0
        for process in filter(str.isdigit, os.listdir("/proc")):
            try:
                if os.getpgid(int(process)) != self.process.pid:
                    continue
                with open(f"/proc/{process}/cmdline") as file:
                    if "type=renderer" not in file.read():
                        continue
                with open(f"/proc/{process}/stat") as file:
                    ticks += sum(map(int, file.read().rsplit(")", 1)[1].split()[11:13]))
            except OSError:
                pass  # it has just gone
        return ticks / os.sysconf("SC_CLK_TCK")

    def open(self, path):
        self.events = []
        self.call("Page.navigate", url="file://" + os.path.abspath(path))
        while not any(event.get("method") == "Page.loadEventFired" for event in self.events):
            self.events.append(self.message())

    def of_page(self, expression):
        answer = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in answer:
            raise RuntimeError(f"{expression}: {answer['exceptionDetails']}")
        return answer["result"].get("value")

    def size(self, width, height=900):
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1,
                  mobile=width < 500)

    def theme(self, name):
        self.call("Emulation.setEmulatedMedia",
                  features=[{"name": "prefers-color-scheme", "value": name}])

    def press(self, key, text="", modifiers=0):
        """`modifiers`: 2 for Ctrl, 8 for Shift."""
        codes = {"Tab": 9, "Enter": 13, "ArrowRight": 39, "ArrowDown": 40}
        common = {"key": key, "code": key, "windowsVirtualKeyCode": codes.get(key, 0), "modifiers": modifiers}
        self.call("Input.dispatchKeyEvent", type="keyDown", text="\r" if key == "Enter" else text, **common)
        self.call("Input.dispatchKeyEvent", type="keyUp", **common)

    def mouse(self, kind, x, y, **more):
        """`kind`: Moved, Pressed, Released or Wheel."""
        self.call("Input.dispatchMouseEvent", type="mouse" + kind, x=x, y=y, **more)

    def click(self, x, y, times=1):
        for count in range(1, times + 1):
            for kind in ("Pressed", "Released"):
                self.mouse(kind, x, y, button="left", clickCount=count)

    def touch(self, kind, *points):
        """`kind`: Start, Move or End."""
        self.call("Input.dispatchTouchEvent", type="touch" + kind, touchPoints=[{"x": x, "y": y} for x, y in points])

    def write(self, text):
        self.call("Input.insertText", text=text)

    def pdf(self):
        return base64.b64decode(self.call("Page.printToPDF", preferCSSPageSize=True)["data"])

    def picture(self, path):
        # What lies beyond the window is not drawn until it is scrolled to, and would be blank.
        self.of_page("document.head.append(Object.assign(document.createElement('style'),"
                     "{textContent: '*{content-visibility:visible!important}'}))")
        data = self.call("Page.captureScreenshot", captureBeyondViewport=True)["data"]
        with open(path, "wb") as file:
            file.write(base64.b64decode(data))

    def complaints(self):
        """What the console said against the page, and what the page asked for beside itself."""
        found = []
        for event in self.events:
            method, parameters = event.get("method"), event.get("params", {})
            if method == "Runtime.exceptionThrown":
                found.append(parameters["exceptionDetails"].get("text", "exception"))
            elif method == "Runtime.consoleAPICalled" and parameters["type"] in ("error", "warning", "assert"):
                found.append(f"console {parameters['type']}")
            elif method == "Log.entryAdded" and parameters["entry"]["level"] in ("error", "warning"):
                found.append(parameters["entry"]["text"])
            elif method == "Network.requestWillBeSent":
                url = parameters["request"]["url"]
                if parameters.get("type") != "Document" and not url.startswith(("data:", "blob:")):
                    found.append("asked for " + url)
        return found
