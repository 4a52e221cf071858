"""Puts a world's facts, fillers and questions in order, within a budget of tokens.

make(world, tok, length, start, ask, fill): facts only for the first `start` of the budget, then at each step a question
with probability `ask` (about a fact not asked about yet), else a filler with probability `fill`, else a new fact. With
plant=(position, fact) that fact is told as soon as `position` tokens stand, and never asked about; its end in tokens
becomes the document's planted_end.
"""


class Document:
    """ids: the tokens, BOS first. answers: (kind, first position, end, distance from the fact's end in tokens,
    answer text, slot, fact). open_facts: (fact, its end in tokens) of the facts nobody asked about yet."""

    def __init__(self, tok):
        self.ids, self.parts, self.answers, self.open_facts = [tok.bos], [], [], []
        self.planted_end = None

    @property
    def text(self):
        return "".join(self.parts)


def question_line(world, question):
    return world.line_open + question + world.line_close


def make(world, tok, length, start, ask, fill, plant=None):
    rng, doc = world.rng, Document(tok)
    open_facts = doc.open_facts
    pending, in_story = "", False      # the punctuation that waits to know what follows it

    def put(text):
        if text:
            doc.parts.append(text)
            doc.ids.extend(tok.encode(text))

    while len(doc.ids) < length:
        planting = plant and doc.planted_end is None and len(doc.ids) >= plant[0]
        questions = not planting and len(doc.ids) >= start * length and open_facts and rng.random() < ask
        if questions:
            i = rng.randrange(len(open_facts))
            open_facts[i], open_facts[-1] = open_facts[-1], open_facts[i]
            fact, end = open_facts.pop()
            kind, question, answer, slot = rng.choice(fact.questions)
            put(pending and ".\n")
            put(question_line(world, question))
            first = len(doc.ids)
            put(answer)
            doc.answers.append((kind, first, len(doc.ids), first - end, answer, slot, fact))
            pending, in_story = ".\n", False
            continue
        fact = plant[1] if planting else None if rng.random() < fill else world.fact()
        text = fact.text if fact else world.filler()
        if world.one_fact_a_line:
            put(pending and ".\n")
        elif in_story:
            put(".")
        else:
            put(pending and ".\n")
            put(world.story_open)
            in_story = True
        put(text)
        pending = ".\n"
        if planting:
            doc.planted_end = len(doc.ids)
        elif fact:
            open_facts.append((fact, len(doc.ids)))
    return doc


def training_shape(rng):
    """(start, ask, fill) of a training document: mostly dense in questions, some sparse."""
    if rng.random() < 0.8:
        return rng.uniform(0.1, 0.5), rng.uniform(0.5, 0.9), rng.uniform(0.0, 0.3)
    return rng.uniform(0.5, 0.85), rng.uniform(0.3, 0.9), rng.uniform(0.05, 0.35)
