"""Checks of the SVG flame graph in Chromium, driven through chromedriver's plain HTTP protocol.

usage: svg_browser.py FLAMETAP CHROMIUM WORK_DIRECTORY
Draws pictures from folded text by "FLAMETAP report", so what is tested is what a user gets.
"""

import ctypes
import json
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
import xml.parsers.expat

FLAMETAP, CHROMIUM, WORK = sys.argv[1:4]

KNOWN = """\
app;main;alpha;work_one 40
app;main;alpha;work_two 20
app;main;beta;work_one 30
app;main;beta;other 10
tool;main;work_one;deep;work_one 50
tool;main;Zed::run(int) 50
"""  # 200 in all

HOSTILE = [
    b"<script>alert(1)</script>", b"</title><script>alert(2)</script>", b'" onload="alert(3)', b"]]>", b"<![CDATA[",
    b"&amp;&lt;", b"'quoted'", b"\x01\x02\x1b[31m\x7f", b"bad\xff\xfe\xc0\x80", b"\xed\xa0\x80", b"\xef\xbf\xbe",
    b"\xef\xbf\xbf", b"A" * 4096, b"javascript:alert(4)", b"<img src=x onerror=alert(5)>", b"__proto__",
    b"</svg><svg onload=alert(6)>", "\u202eevil \u05e9\u05dc\u05d5\u05dd".encode(), "\ufdfd\ufdfd".encode(),
    "\u6f22\u5b57\u95a2\u6570".encode() * 100, ("Z" + "\u0351" * 200).encode() * 3, b"<!--", b"${alert(7)}",
]

KEYS = {"Enter": "\ue007", "Escape": "\ue00c", "Up": "\ue013", "Down": "\ue015", "Left": "\ue012",
        "Right": "\ue014", "Control": "\ue009", "Tab": "\ue004", "Home": "\ue011"}


PR_SET_CHILD_SUBREAPER = 36


def adopt_orphans():
    """Makes helpers that the browser leaves behind children of this process, so that it can wait for their end."""
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def reap_orphans():
    for _ in range(100):
        try:
            if os.waitpid(-1, os.WNOHANG)[0] == 0:
                time.sleep(0.1)
        except ChildProcessError:
            return


class Browser:
    def __init__(self):
        self.driver = None
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            port = s.getsockname()[1]
        self.base = "http://127.0.0.1:%d" % port
        self.driver = subprocess.Popen(["chromedriver", "--port=%d" % port], stdout=subprocess.DEVNULL,
                                       stderr=subprocess.DEVNULL)
        self.session = None
        try:
            self.open()
        except BaseException:
            self.close()
            raise

    def open(self):
        for _ in range(150):
            try:
                self.request("GET", "/status")
                break
            except OSError:
                time.sleep(0.1)
        arguments = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
                     "--disable-background-networking", "--disable-component-update", "--disable-sync",
                     "--disable-dev-shm-usage", "--force-device-scale-factor=1",
                     "--user-data-dir=" + os.path.join(WORK, "browser")]
        answer = self.request("POST", "/session", {"capabilities": {"alwaysMatch": {
            "goog:chromeOptions": {"args": arguments, "binary": CHROMIUM},
            "goog:loggingPrefs": {"browser": "ALL"}, "unhandledPromptBehavior": "ignore"}}})
        self.session = "/session/" + answer["sessionId"]

    def close(self):
        if self.session:
            try:
                self.request("DELETE", self.session)
            except (OSError, RuntimeError):
                pass
        self.driver.terminate()
        self.driver.wait()
        reap_orphans()

    def request(self, method, path, data=None):
        body = None if data is None else json.dumps(data).encode()
        request = urllib.request.Request(self.base + path, method=method, data=body,
                                         headers={"Content-Type": "application/json"})
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return json.load(answer)["value"]
        except urllib.error.HTTPError as e:
            raise RuntimeError(e.read().decode()[:500]) from None

    def post(self, path, data):
        return self.request("POST", self.session + path, data)

    def load(self, path, fragment=""):
        # By way of another page: a new fragment alone would not load anything.
        self.post("/url", {"url": "about:blank"})
        self.post("/url", {"url": "file://" + path + fragment})

    def js(self, code, *args):
        return self.post("/execute/sync", {"script": code, "args": list(args)})

    def devtools(self, command, **params):
        return self.post("/goog/cdp/execute", {"cmd": command, "params": params})

    def view(self, width, height=900, dark=False):
        self.devtools("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1,
                      mobile=False)
        self.devtools("Emulation.setEmulatedMedia",
                      features=[{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}])

    def move(self, x, y, click=False):
        actions = [{"type": "pointerMove", "duration": 0, "x": int(x), "y": int(y)}]
        if click:
            actions += [{"type": "pointerDown", "button": 0}, {"type": "pointerUp", "button": 0}]
        self.post("/actions", {"actions": [{"type": "pointer", "id": "mouse", "actions": actions}]})

    def keys(self, *names):
        """Presses keys one after the other; "Control+f" holds the first."""
        actions = []
        for name in names:
            held = [KEYS.get(k, k) for k in (name.split("+") if len(name) > 1 else [name])]
            actions += [{"type": "keyDown", "value": k} for k in held]
            actions += [{"type": "keyUp", "value": k} for k in reversed(held)]
        self.post("/actions", {"actions": [{"type": "key", "id": "keyboard", "actions": actions}]})

    def complaints(self):
        """Console messages, and a dialog if one is open: a name that came to life."""
        found = [entry["message"] for entry in self.post("/se/log", {"type": "browser"})
                 if "favicon" not in entry["message"]]
        try:
            found.append("dialog: " + self.request("GET", self.session + "/alert/text"))
        except RuntimeError:
            pass
        return found


# ---- What a user sees ----

FRAMES = """
return Array.from(document.querySelectorAll('.ft-f > g'), (g) => {
    const r = g.querySelector('rect').getBoundingClientRect(), t = g.querySelector('text');
    const text = g.getAttribute('display') === 'none' ? '' : t ? t.textContent : '';
    const clip = t && t.parentNode !== g ? t.parentNode : null;
    return {name: g.firstChild.textContent.split('\\n')[0], x: r.x, y: r.y, w: r.width, h: r.height,
        shown: g.getAttribute('display') !== 'none', label: text, match: g.classList.contains('m'),
        right: text ? (clip ? Math.min(t.getBoundingClientRect().right,
            r.x + Number(clip.getAttribute('width')) + 1) : t.getBoundingClientRect().right) : 0,
        fill: getComputedStyle(g.querySelector('rect')).fill, focus: document.activeElement === g};
});
"""


def frames(browser):
    return browser.js(FRAMES)


def shown(browser):
    return [f for f in frames(browser) if f["shown"]]


def frame(browser, name, nth=0):
    return [f for f in frames(browser) if f["name"] == name][nth]


def click(browser, name, nth=0):
    f = frame(browser, name, nth)
    assert f["shown"], name
    browser.move(f["x"] + f["w"] / 2, f["y"] + f["h"] / 2, click=True)


def details(browser):
    return browser.js("return document.querySelector('.ft-details').textContent")


def result(browser):
    return browser.js("return document.querySelector('.ft-field output').textContent")


def focused(browser):
    return [f["name"] for f in frames(browser) if f["focus"]]


def search_is_focused(browser):
    return browser.js("return document.activeElement === document.querySelector('.ft-field input')")


def button(browser, text):
    place = browser.js("""const b = Array.from(document.querySelectorAll('.ft-ui button'))
        .find((e) => e.textContent === arguments[0]).getBoundingClientRect();
        return [b.x + b.width / 2, b.y + b.height / 2];""", text)
    browser.move(*place, click=True)


def equal(got, want, what):
    if got != want:
        raise AssertionError("%s: got %r, want %r" % (what, got, want))


def near(got, want, what, slack=1.5):
    if abs(got - want) > slack:
        raise AssertionError("%s: got %r, want about %r" % (what, got, want))


def draw(name, text):
    """Draws folded text and returns the picture's path; it must be well-formed XML."""
    source, picture = os.path.join(WORK, name + ".folded"), os.path.join(WORK, name + ".svg")
    with open(source, "wb") as f:
        f.write(text if isinstance(text, bytes) else text.encode())
    subprocess.run([FLAMETAP, "report", source, "-o", picture], check=True, stdout=subprocess.DEVNULL,
                   stderr=subprocess.DEVNULL)
    with open(picture, "rb") as f:
        xml.parsers.expat.ParserCreate().ParseFile(f)
    return picture


# ---- The checks ----

def check_fits_width(b):
    b.load(draw("known", KNOWN))
    for width in (1200, 1800, 700, 1200):
        b.view(width)
        time.sleep(0.2)
        root = frame(b, "all")
        near(root["x"], 16, "left edge")
        near(root["w"], width - 33, "width of the root at %d px" % width)
        near(root["h"], 17, "height of a frame: text must not be scaled")
        for f in shown(b):
            assert not f["label"] or f["right"] <= f["x"] + f["w"] + 0.5, f
            assert f["label"] or f["w"] < 40, f
    all_w, app, alpha = root["w"] + 1, frame(b, "app"), frame(b, "alpha")
    near(app["w"] + 1, all_w / 2, "app is half")
    near(alpha["w"] + 1, all_w * 0.3, "alpha is 30 %")


def check_details(b):
    b.load(draw("known", KNOWN))
    f = frame(b, "alpha")
    b.move(f["x"] + 5, f["y"] + 5)
    for part in ("alpha", "60 samples", "30.00 % of all", "60.00 % of parent"):
        assert part in details(b), (part, details(b))
    b.move(5, 5)
    assert "Click to zoom" in details(b), details(b)


def check_zoom(b):
    b.load(draw("known", KNOWN))
    full = frame(b, "all")["w"]
    click(b, "alpha")
    near(frame(b, "alpha")["w"], full, "zoomed frame fills the width")
    near(frame(b, "app")["w"], full, "so do its ancestors")
    near(frame(b, "work_one", 0)["w"] + 1, (full + 1) * 40 / 60, "child in proportion")
    equal([f["name"] for f in shown(b)], ["all", "app", "main", "alpha", "work_one", "work_two"], "frames in view")
    assert "of view" in details(b) or "30.00 % of all" in details(b), details(b)
    click(b, "app")
    near(frame(b, "alpha")["w"] + 1, (full + 1) * 0.6, "zoomed out by a click on an ancestor")
    button(b, "Reset zoom")
    near(frame(b, "app")["w"] + 1, (full + 1) / 2, "reset")
    equal(len(shown(b)), 15, "frames after reset")
    assert b.js("return document.querySelectorAll('.ft-ui button')[2].disabled"), "nothing left to reset"


def check_search(b):
    b.load(draw("known", KNOWN))
    b.keys("/")
    assert search_is_focused(b)
    b.keys(*"work_one")
    # 40 + 30 + 50: the nested one counts once.
    equal(result(b), "60.00 %", "plain search")
    equal(sorted(f["name"] for f in frames(b) if f["match"]), ["work_one"] * 4, "matches")
    assert frame(b, "work_one")["fill"] != frame(b, "work_two")["fill"]
    b.keys("Escape")
    equal(result(b), "", "search cleared")
    equal([f for f in frames(b) if f["match"]], [], "no match is left")
    b.keys("Control+f")
    assert search_is_focused(b)
    b.keys(*"zed")
    equal(result(b), "25.00 %", "lower case finds both cases")
    b.keys("Control+a")
    b.keys(*"ZED")
    equal(result(b), "0.00 %", "upper case is taken as it is")
    b.keys("Escape")

    click(b, "beta")  # 40 of 200, 30 of them work_one
    b.keys("/")
    b.keys(*"work_one")
    equal(result(b), "60.00 % \u00b7 75.00 % of view", "share of the zoomed view")
    button(b, "Reset zoom")
    equal(result(b), "60.00 %", "share after reset")


def check_regex(b):
    b.load(draw("known", KNOWN))
    b.keys("/")
    b.keys(*"^(alpha|beta)$")
    equal(result(b), "0.00 %", "plain text is no expression")
    button(b, ".*")
    equal(result(b), "50.00 %", "expression")
    b.keys("/")
    b.keys("Control+a")
    b.keys(*"([")
    equal(result(b), "not a valid expression", "broken expression")
    equal(b.js("return document.querySelector('.ft-field input').getAttribute('aria-invalid')"), "true", "invalid")
    b.keys("Control+a")
    b.keys(*"Zed::")
    equal(result(b), "25.00 %", "mended expression")


def check_icicle(b):
    b.load(draw("known", KNOWN))
    assert frame(b, "all")["y"] > frame(b, "app")["y"] > frame(b, "main")["y"], "flame: root at the bottom"
    button(b, "Icicle")
    assert frame(b, "all")["y"] < frame(b, "app")["y"] < frame(b, "main")["y"], "icicle: root on top"
    b.keys("i")
    assert frame(b, "all")["y"] > frame(b, "app")["y"], "back by key"
    click(b, "alpha")
    b.keys("i")
    assert frame(b, "app")["y"] < frame(b, "alpha")["y"], "icicle while zoomed"
    equal(frame(b, "beta")["shown"], False, "zoom is kept")


def check_keyboard(b):
    b.load(draw("known", KNOWN))
    full = frame(b, "all")["w"]
    b.keys("Home")
    equal(focused(b), ["all"], "Home")
    b.keys("Up", "Up", "Up")  # app and tool are equally wide: the first
    equal(focused(b), ["alpha"], "children, the widest first")
    assert "30.00 % of all" in details(b), details(b)
    b.keys("Right")
    equal(focused(b), ["beta"], "sibling")
    b.keys("Left")
    equal(focused(b), ["alpha"], "sibling")
    b.keys("Down")
    equal(focused(b), ["main"], "parent")
    b.keys("Up", "Enter")
    near(frame(b, "alpha")["w"], full, "Enter zooms")
    b.keys("Down")
    equal(focused(b), ["main"], "parent while zoomed")
    b.keys("Up")
    equal(focused(b), ["alpha"], "back up to where the view is")
    b.keys("Escape")
    near(frame(b, "alpha")["w"] + 1, (full + 1) * 0.3, "Escape resets")
    b.keys("i", "Home", "Down")
    equal(focused(b), ["app"], "in an icicle, down is away from the root")
    b.load(draw("known", KNOWN))
    for _ in range(8):
        b.keys("Tab")
        if focused(b):
            break
    equal(focused(b), ["all"], "Tab reaches the frames")


def check_permalink(b):
    picture = draw("known", KNOWN)
    b.load(picture)
    click(b, "beta")
    b.keys("/")
    b.keys(*"work")
    fragment = b.js("return location.hash")
    equal(result(b), "70.00 % \u00b7 75.00 % of view", "search in a zoomed view")
    b.load(picture, fragment)
    equal(result(b), "70.00 % \u00b7 75.00 % of view", "the address restores search and zoom")
    b.load(picture, "#z=99999&s=%3Cb%3E&r=1")
    equal(len(shown(b)), 15, "a zoom to nowhere is no zoom")


def check_colors(b):
    b.load(draw("known", KNOWN))
    b.view(1200)
    light = frame(b, "app")["fill"]
    background = b.js("return getComputedStyle(document.querySelector('.ft-bg')).fill")
    b.view(1200, dark=True)
    assert frame(b, "app")["fill"] != light
    assert b.js("return getComputedStyle(document.querySelector('.ft-bg')).fill") != background
    b.devtools("Emulation.setEmulatedMedia", media="print",
               features=[{"name": "prefers-color-scheme", "value": "dark"}])
    equal(frame(b, "app")["fill"], light, "paper is light")
    b.devtools("Emulation.setEmulatedMedia", media="", features=[])
    b.view(1200)


def check_hostile_names(b):
    lines = []
    for i, name in enumerate(HOSTILE):
        lines.append(b"proc<b>;" + name + b" 100\n")
        lines.append(name + b";" + HOSTILE[(i + 7) % len(HOSTILE)] + b" 3000\n")
    b.load(draw("hostile", b"".join(lines)))
    time.sleep(0.3)
    # A space separates the weight and ';' the frames, so names with those arrive in parts: look for the whole ones.
    names = [f["name"] for f in frames(b)]
    assert "<script>alert(1)</script>" in names and "A" * 4096 in names and "]]>" in names
    equal(b.js("return document.querySelectorAll('script').length"), 1, "scripts")
    equal(b.js("return document.querySelectorAll('img, iframe, [onload], [onerror]').length"), 0, "live markup")
    for f in shown(b):
        assert not f["label"] or f["right"] <= f["x"] + f["w"] + 0.5, f
    kanji = HOSTILE[19].decode()
    click(b, kanji)
    f = frame(b, kanji)
    assert f["label"][:9] == kanji[:9] and f["label"][-1] == "\u2026" and f["right"] <= f["x"] + f["w"], f
    b.keys("Escape")
    for i in range(3):  # names go through details, zoom and search
        click(b, HOSTILE[i].decode())
        b.keys("Escape")
    b.keys("/")
    b.keys(*"<script>")
    assert result(b) != "0.00 %", result(b)
    equal(b.js("return document.querySelectorAll('script').length"), 1, "scripts")


def check_image(b):
    picture = draw("known", KNOWN)
    page = os.path.join(WORK, "page.html")
    with open(page, "w") as f:
        f.write("<!doctype html><body><img src='file://%s'></body>" % picture)
    b.load(page)
    equal(b.js("const i = document.querySelector('img'); return [i.complete, i.naturalWidth]"), [True, 1200], "as <img>")


def check_ten_thousand_frames(b):
    lines = []
    for i in range(20):
        for j in range(20):
            for k in range(25):
                lines.append("p;f%d;g%d;h%d %d\n" % (i, j, k, 1 + (i * j + k) % 17))
    b.load(draw("many", "".join(lines)))
    count, times = b.js("""
        const g = document.querySelectorAll('.ft-f > g'), times = [];
        for (const i of [2, 3, 0, 1000, 0]) {
            const start = performance.now();
            g[i].dispatchEvent(new MouseEvent('click', {bubbles: true}));
            document.documentElement.getBoundingClientRect();
            times.push(Math.round(performance.now() - start));
        }
        return [g.length, times];""")
    print("zoom among %d frames: %s ms" % (count, times))
    assert count > 9500, count
    # The aim is 100 ms; the limit allows for a busy machine and sanitizers elsewhere.
    assert sorted(times)[len(times) // 2] < 400, times


def main():
    checks = [value for name, value in globals().items() if name.startswith("check_")]
    adopt_orphans()
    browser = Browser()
    failed = 0
    try:
        for check in checks:
            browser.view(1200)
            try:
                check(browser)
                complaints = browser.complaints()
                assert not complaints, complaints
                print("ok", check.__name__)
            except (AssertionError, IndexError, RuntimeError, subprocess.CalledProcessError) as e:
                failed += 1
                print("FAILED %s: %s: %s" % (check.__name__, type(e).__name__, e))
    finally:
        browser.close()
    return 1 if failed else 0


sys.exit(main())
