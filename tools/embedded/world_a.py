"""Domain A: stories of a small house. Facts are told once, in prose, among sentences that repeat the same words.

A world hands out facts (a sentence and the questions it answers), fillers, and the fixed phrases around them; document.py
puts them in order. Everything is drawn from the random generator it is given.
"""

PEOPLE = """Ann Bob Kim Tom Sue Max Leo Eva Ida Mia Ned Pam Ray Sam Ted Zoe Ben Dan Gus Hal Ivy Jan Liz Meg""".split()
COLOURS = """red blue green white black grey brown pink gold tan lime teal rose plum rust mint""".split()
THINGS = """lamp drum bell book coin fork vase kite rope harp sled mug pen hat key map jar pot rug bag ring sock boot
comb doll fan axe saw net bat pin cup""".split()
ROOMS = """attic hall barn shed loft cellar den porch tower yard mill cabin""".split()
FOODS = """bread soup rice beans cake pears figs eggs nuts corn honey oats""".split()
JOBS = """cook baker nurse clerk guard judge maid miner poet pilot king smith""".split()
PETS = """dog cat goat hen duck pony crow mouse toad bee fox lamb""".split()

WORDS = """the code of box is in with left gave to belongs likes works as a has door looked at walked
through about saw near stood and sang opens rained on what where who got owns does like job
pet have colour passed painted eats keeps by thought""".split()
CAPS = "The Someone It What Where Who Nobody Answer".split()

PIECES = ([" " + w for w in PEOPLE + COLOURS + THINGS + ROOMS + FOODS + JOBS + PETS + WORDS + CAPS]
          + ["Story", "Question", ".\n"])


class Fact:
    """A sentence (without its full stop) and its questions: (kind, question, answer, name of the value's slot)."""

    def __init__(self, text, questions):
        self.text, self.questions = text, questions


class World:
    name = "a"
    story_open, line_open, line_close = "Story:", "Question: ", "? Answer:"
    one_fact_a_line = False
    weights = {"code": 5, "where": 3, "gave": 3, "owns": 2, "likes": 2, "job": 2, "pet": 2, "door": 1}

    def __init__(self, rng):
        self.rng = rng
        shuffled = lambda seq: rng.sample(seq, len(seq))
        things = shuffled(THINGS)
        self.keys = {"code": shuffled(COLOURS), "where": things[:12], "gave": things[12:24], "owns": things[24:],
                     "likes": shuffled(PEOPLE)[:14], "job": shuffled(PEOPLE)[:12], "pet": shuffled(PEOPLE)[:12],
                     "door": shuffled(ROOMS)}
        self.values = {}

    def fact(self, kind=None):
        """A new fact (of the given kind), or None when every key has been used."""
        rng, kinds = self.rng, [k for k in self.weights if self.keys[k]]
        if not kinds:
            return None
        kind = kind or rng.choices(kinds, [self.weights[k] for k in kinds])[0]
        key = self.keys[kind].pop()
        if kind == "gave":
            giver, taker = rng.sample(PEOPLE, 2)
            self.values.setdefault("taker", []).append(taker)
            self.values.setdefault("giver", []).append(giver)
            text = rng.choice([" %s gave the %s to %s", " %s passed the %s to %s"]) % (giver, key, taker)
            return Fact(text, [("got", "Who got the %s" % key, " " + taker, "taker"),
                               ("gave", "Who gave the %s" % key, " " + giver, "giver")])
        pool = {"where": ROOMS, "owns": PEOPLE, "likes": FOODS, "job": JOBS, "pet": PETS, "door": COLOURS}
        value = "%04d" % rng.randrange(10000) if kind == "code" else rng.choice(pool[kind])
        self.values.setdefault(kind, []).append(value)
        forms = {
            "code": [" The code of the {k} box is {v}", " The {k} box opens with {v}"],
            "where": [" The {k} is in the {v}", " Someone left the {k} in the {v}"],
            "owns": [" The {k} belongs to {v}"],
            "likes": [" {k} likes {v}", " {k} eats {v}"],
            "job": [" {k} works as a {v}"],
            "pet": [" {k} has a {v}", " {k} keeps a {v}"],
            "door": [" The door of the {k} is {v}", " Someone painted the door of the {k} {v}"],
        }
        asked = {"code": "What is the code of the {k} box", "where": "Where is the {k}", "owns": "Who owns the {k}",
                 "likes": "What does {k} like", "job": "What job does {k} have", "pet": "What pet does {k} have",
                 "door": "What colour is the door of the {k}"}
        return Fact(rng.choice(forms[kind]).format(k=key, v=value),
                    [(kind, asked[kind].format(k=key), " " + value, kind)])

    def filler(self):
        """A sentence that tells nothing, in the same words."""
        r = self.rng.choice
        form = r([" {p} looked at the {c} box", " {p} walked through the {r}", " {p} saw the {t}",
                  " {p} stood near the {r}", " {p} thought about {q}", " It rained on the {r}",
                  " {p} and {q} sang", " Nobody saw the {c} box"])
        return form.format(p=r(PEOPLE), q=r(PEOPLE), c=r(COLOURS), r=r(ROOMS), t=r(THINGS))
