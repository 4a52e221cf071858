"""Domain B: the ledger of a warehouse. Records, one a line, with other words, marks and questions than domain A.

The same interface as world_a.World.
"""
from world_a import Fact

ORDERS = """alfa beta delta echo golf iota kilo lima nova opal papa rho sigma tau zeta zulu""".split()
BUYERS = """Hart Ross Lund Berg Cole Dahl Ford Gray Holt Kerr Lang Moss Nash Pike Reed Shaw""".split()
GOODS = """bolts nails wire pipe paint tiles glue cable pumps belts glass sand salt wool steel chalk""".split()
DAYS = "Mon Tue Wed Thu Fri Sat Sun".split()
COUNTS = """two three four five six seven eight nine ten twelve twenty forty fifty sixty""".split()
CITIES = "Bern Oslo Rome Lyon Cork Bonn Graz Pisa Kiel Metz".split()
BAYS = "north south east west upper lower front back".split()

WORDS = "order stock firm buyer item due bay count town check note truck late of".split()
PIECES = ([" " + w for w in ORDERS + BUYERS + GOODS + DAYS + COUNTS + CITIES + BAYS + WORDS + ["Reply"]]
          + ["Order", "Stock", "Firm", "Note", "Query", ";\n"])


class World:
    name = "b"
    story_open, line_open, line_close = "", "Query: ", "? Reply:"
    one_fact_a_line = True
    tables = {
        "order": ("Order {k}; {f} {v}", ORDERS, {"buyer": BUYERS, "item": GOODS, "due": DAYS}),
        "stock": ("Stock {k}; {f} {v}", GOODS, {"bay": BAYS, "count": COUNTS}),
        "firm": ("Firm {k}; {f} {v}", BUYERS, {"town": CITIES}),
    }

    def __init__(self, rng):
        self.rng = rng
        self.left = [(table, key, field) for table, (_, keys, fields) in self.tables.items()
                     for key in keys for field in fields]
        rng.shuffle(self.left)
        self.values = {}

    def fact(self):
        if not self.left:
            return None
        table, key, field = self.left.pop()
        form, _, fields = self.tables[table]
        value = self.rng.choice(fields[field])
        self.values.setdefault(field, []).append(value)
        return Fact(form.format(k=key, f=field, v=value),
                    [(field, "%s of %s %s" % (field, table, key), " " + value, field)])

    def filler(self):
        r = self.rng.choice
        form = r(["Note; truck {n} late", "Note; check order {o}", "Note; check stock {g}", "Note; {b} late",
                  "Note; count bay {y}"])
        return form.format(n=r(COUNTS), o=r(ORDERS), g=r(GOODS), b=r(BUYERS), y=r(BAYS))
