"""What a reader does with a chart: zooming, pointing at marks, hiding series. Part of browser_test.py."""
import json
import math
import re

CHARTS = "document.querySelector('figure:has(table[id^=trade-off])').querySelectorAll('.charts svg')"
TIP = "document.getElementById('tip').textContent"
CTRL, SHIFT = 2, 8


def value_of(text):
    return float(text.rstrip("%")) / (100 if text.endswith("%") else 1)


def numbers_of(texts):
    """Texts whose numbers compare equal however they are written."""
    return [re.sub(r"\d+\.?\d*", lambda number: repr(float(number[0])), text) for text in texts]


class ChartCases:
    def chart(self, at=0, charts=CHARTS):
        """What is drawn, in the chart's own units: labelled ticks of both axes, and the places of marks by their text."""
        return json.loads(self.ask("""(svg => { const first = n => n.getAttribute('d').match(/M(\\S+) (-?[\\d.]+)/).slice(1);
            const axis = (name, i) => [...svg.querySelectorAll('.' + name + ' text')].map(t => {
              const at = +t.getAttribute(name) - (i ? 4 : 0), grid = [...svg.querySelectorAll('.' + name + ' path')]
                .find(p => Math.abs(first(p)[i] - at) < 0.2);
              return grid && [t.textContent, +first(grid)[i]]}).filter(t => t);
            return JSON.stringify({x: axis('x', 0), y: axis('y', 1),
              log: ['x', 'y'].map(name => svg.dataset[name].includes('log')),
              plot: ['x', 'y'].map(name => svg.dataset[name].split(' ').slice(2, 4).map(Number).sort((a, b) => a - b)),
              marks: [...svg.querySelectorAll('[data-t]')].map(m => ({told: m.dataset.t,
                at: m.tagName === 'circle' ? [m.cx.baseVal.value, m.cy.baseVal.value] : first(m).map(Number),
                isOut: getComputedStyle(m).display === 'none'})),
              all: [...svg.querySelectorAll('path,circle,text')].map(n => n.outerHTML)})})(%s[%d])""" % (charts, at)))

    def box(self, at=0):
        return json.loads(self.ask(
            f"(c => {{ c.scrollIntoView({{block: 'center'}}); const r = c.getBoundingClientRect();"
            f"return JSON.stringify([r.x, r.y, r.width / c.viewBox.baseVal.width])}})({CHARTS}[{at}])"))

    def focus(self, at=0, charts=CHARTS):
        self.ask(f"{charts}[{at}].focus({{preventScroll: true}})")

    def assert_marks_stand_at(self, chart, values):
        """Marks stand where the labels of both axes say that their values are."""
        for axis, name in enumerate("xy"):
            scale = (lambda v: math.log(v)) if chart["log"][axis] else (lambda v: v)
            ticks = [(scale(value_of(text)), at) for text, at in chart[name]]
            self.assertGreaterEqual(len(ticks), 2, chart[name])
            (low, start), (high, end) = ticks[0], ticks[-1]
            place = lambda v: start + (v - low) / (high - low) * (end - start)
            for value, at in ticks:
                self.assertAlmostEqual(place(value), at, delta=0.3)
            for mark, value in zip(chart["marks"], values):
                self.assertAlmostEqual(place(scale(value[axis])), mark["at"][axis], delta=0.5)
        for mark in chart["marks"]:
            inside = all(low <= at <= high for at, (low, high) in zip(mark["at"], chart["plot"]))
            self.assertEqual(mark["isOut"], not inside)

    def eventually(self, chart_is):
        """The chart once it is so; wheels and drags are carried out a little later than they are sent."""
        for _ in range(40):
            chart = self.chart()
            if chart_is(chart):
                return chart
            self.ask("new Promise(done => setTimeout(done, 50))")
        raise AssertionError("the chart has not changed")

    def trade_off_values(self, at):
        rows = json.loads(self.ask(f"JSON.stringify([...{CHARTS}[0].closest('figure').querySelector('tbody').rows]"
                                   ".map(r => [...r.cells].map(c => +c.dataset.v)))"))
        return [(row[6 + at], row[2]) for row in rows]

    def test_zooming_keeps_marks_at_their_values(self):
        for at in range(3):
            self.open(self.report)
            values = self.trade_off_values(at)
            before = self.chart(at)
            self.assert_marks_stand_at(before, values)
            x, y, unit = self.box(at)
            # Where marks are, so that zooming in does not leave them all.
            spot = before["marks"][len(before["marks"]) // 2]["at"]
            self.browser.mouse("Wheel", x + spot[0] * unit, y + spot[1] * unit, deltaX=0, deltaY=-700, modifiers=CTRL)
            self.focus(at)
            for _ in range(at + 1):
                self.browser.press("+", "+")
                zoomed = self.chart(at)
                self.assertNotEqual(zoomed["x"], before["x"])
                self.assertNotEqual(zoomed["y"], before["y"])
                self.assert_marks_stand_at(zoomed, values)
            self.assertTrue(any(mark["isOut"] for mark in zoomed["marks"]))
            self.browser.press("ArrowLeft", modifiers=SHIFT)
            self.browser.press("ArrowUp", modifiers=SHIFT)
            panned = self.chart(at)
            self.assertNotEqual(panned["marks"], zoomed["marks"])
            self.assert_marks_stand_at(panned, values)
            self.browser.press("0", "0")
            self.assertEqual(numbers_of(self.chart(at)["all"]), numbers_of(before["all"]))

    def test_curves_and_histograms_zoom_too(self):
        curves = "document.querySelectorAll('figure:has(table[id=thresholds-by-length]) .charts svg')"
        bars = "document.querySelectorAll('figure:has(table[id=effective-k]) .charts svg')"
        for page, charts in ((self.table, curves), (self.report, bars)):
            self.open(page)
            before = self.chart(0, charts)
            self.focus(0, charts)
            for _ in range(12):  # further than it goes
                self.browser.press("+", "+")
            deepest = self.chart(0, charts)
            self.assertNotEqual(deepest["x"], before["x"])
            self.assertGreaterEqual(len(deepest["x"]), 2)
            self.assertEqual(deepest["y"] == before["y"], charts == bars)  # a histogram's counts stay
            self.assertEqual(len({text for text, _ in deepest["x"]}), len(deepest["x"]))
            for _ in range(12):
                self.browser.press("-", "-")
            self.assertEqual(numbers_of(self.chart(0, charts)["all"]), numbers_of(before["all"]))

    def test_the_wheel_scrolls_unless_the_chart_has_the_focus(self):
        self.open(self.report)
        before = self.chart()
        x, y, unit = self.box()
        middle = (x + 180 * unit, y + 140 * unit)
        self.browser.mouse("Wheel", *middle, deltaX=0, deltaY=-300)
        self.ask("new Promise(done => setTimeout(done, 600))")  # a turn of the wheel is over
        self.assertEqual(self.chart()["marks"], before["marks"])
        self.focus()
        x, y, unit = self.box()
        middle = (x + 180 * unit, y + 140 * unit)
        self.browser.mouse("Wheel", *middle, deltaX=0, deltaY=-600)
        zoomed = self.eventually(lambda chart: chart["marks"] != before["marks"])
        # Dragging moves what is zoomed by as much as the pointer.
        self.browser.mouse("Pressed", *middle, button="left", clickCount=1)
        self.browser.mouse("Moved", middle[0] + 20 * unit, middle[1], button="left", buttons=1)
        self.browser.mouse("Released", middle[0] + 20 * unit, middle[1], button="left", clickCount=1)
        for mark, was in zip(self.chart()["marks"], zoomed["marks"]):
            self.assertAlmostEqual(mark["at"][0] - was["at"][0], 20, delta=0.5)
            self.assertAlmostEqual(mark["at"][1], was["at"][1], delta=0.5)
        self.browser.click(*middle, times=2)
        self.browser.press("Escape")  # no mark is told any more
        self.assertEqual(numbers_of(self.chart()["all"]), numbers_of(before["all"]))

    def test_the_nearest_mark_is_told(self):
        self.open(self.report)
        for zooms in (0, 3):
            x, y, unit = self.box()
            self.focus()
            for _ in range(zooms):
                self.browser.press("+", "+")
            chart = self.chart()
            seen = 0
            for across in range(60, 350, 13):
                for down in range(32, 244, 23):
                    self.browser.mouse("Moved", x + across * unit, y + down * unit)
                    told = self.ask(TIP)
                    distances = sorted((unit * math.dist(mark["at"], (across, down)), mark["told"])
                                       for mark in chart["marks"] if not mark["isOut"])
                    near = {text for distance, text in distances if distance < distances[0][0] + 2}
                    if distances[0][0] < 28:
                        self.assertIn(told, near)
                        self.assertEqual(self.ask("document.querySelectorAll('.now').length"), 1)
                        seen += 1
                    elif distances[0][0] > 32:
                        self.assertEqual(told, "")
            self.assertGreater(seen, 5)

    def test_fingers_point_and_zoom(self):
        self.open(self.report, width=390)
        self.browser.call("Emulation.setTouchEmulationEnabled", enabled=True, maxTouchPoints=2)
        self.addCleanup(lambda: self.browser.call("Emulation.setTouchEmulationEnabled", enabled=False))
        self.open(self.report, width=390)  # what listens to fingers is settled when the page is opened
        before = self.chart()
        x, y, unit = self.box()
        mark = before["marks"][0]
        self.browser.touch("Start", (x + mark["at"][0] * unit + 6, y + mark["at"][1] * unit))
        self.browser.touch("End")
        self.assertNotEqual(self.ask(TIP), "")
        self.assertEqual(self.chart()["x"], before["x"])
        middle = (x + 180 * unit, y + 140 * unit)
        self.browser.touch("Start", (middle[0] - 20, middle[1]), (middle[0] + 20, middle[1]))
        self.browser.touch("Move", (middle[0] - 60, middle[1]), (middle[0] + 60, middle[1]))
        self.browser.touch("End")
        spread = lambda chart: chart["marks"][0]["at"][0] - chart["marks"][-1]["at"][0]
        self.assertAlmostEqual(spread(self.chart()) / spread(before), 3, delta=0.05)

    def shown_series(self, scope):
        """For each chart, the series that can be seen."""
        return json.loads(self.ask(f"JSON.stringify([...document.querySelectorAll('{scope} .charts svg')].map(svg =>"
                                   "[...svg.querySelectorAll('[data-s]')].filter(g => getComputedStyle(g).display !== 'none')"
                                   ".map(g => g.dataset.s)))"))

    def test_names_of_a_key_hide_their_series(self):
        self.open(self.report)
        figure = "figure:has(table[id^=trade-off])"
        buttons = f"document.querySelector('{figure}').querySelectorAll('.key button')"
        names = json.loads(self.ask(f"JSON.stringify([...{buttons}].map(b => b.closest('li').dataset.s))"))
        self.assertGreaterEqual(len(names), 2)
        elsewhere = self.shown_series(f"{figure} ~ figure")
        pressed = lambda: json.loads(self.ask(f"JSON.stringify([...{buttons}].map(b => b.ariaPressed === 'true'))"))

        def expect(shown):
            self.assertEqual(pressed(), [name in shown for name in names])
            charts = self.shown_series(figure)
            self.assertTrue(all(set(chart) == set(shown) for chart in charts[:3]))
            self.assertEqual(self.shown_series(f"{figure} ~ figure"), elsewhere)

        self.ask("%s[0].focus()" % buttons)
        expect(names)
        self.browser.press("Enter")
        expect(names[1:])
        hidden = self.ask(f"{CHARTS}[0].querySelector('[data-s=\"{names[0]}\"] [data-t]').dataset.t")
        self.focus()
        told = set()
        for _ in self.chart()["marks"]:
            self.browser.press("ArrowRight")
            told.add(self.ask(TIP))
        self.assertNotIn(hidden, told)
        self.ask("%s[0].focus()" % buttons)
        self.browser.press("Enter")
        expect(names)
        self.browser.press("Enter", modifiers=SHIFT)
        expect(names[:1])
        self.browser.press("Enter", modifiers=SHIFT)
        expect(names)
        x, y = json.loads(self.ask("(b => { b.scrollIntoView({block: 'center'}); const r = b.getBoundingClientRect();"
                                   "return JSON.stringify([r.x + 5, r.y + 5])})(%s[1])" % buttons))
        for shown in (names[1:2], names):
            self.browser.click(x, y, times=2)
            expect(shown)
        for _ in names:  # the last one that is hidden brings all back
            self.assertNotEqual(self.shown_series(figure)[0], [])
            self.browser.click(x, y)
        self.assertTrue(self.browser.pdf().startswith(b"%PDF"))
