"""What differs from a commit, for checks that look at nothing else, and how long they may take.

A change of comments or of white space alone is no difference: it cannot change what is compiled."""
import os
import re
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

# Literals are matched too, for what looks like a comment inside them; numbers for their separators.
PIECES = re.compile(r'''(?P<comment>//(?:\\\n|[^\n])*|/\*.*?\*/)|R"(?P<mark>[^\s()\\]*)\(.*?\)(?P=mark)"|"(?:\\.|[^"\\\n])*"|'''
                    r'''\b\d(?:'?[\w.])*|'(?:\\.|[^'\\\n])+\'''', re.DOTALL)


def git(*arguments):
    done = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True)
    return done.stdout if done.returncode == 0 else None


def code(text):
    """A C++ source's words, without comments."""
    return PIECES.sub(lambda piece: " " if piece["comment"] else piece[0], text).split()


def is_other_code(base, path):
    before, now = git("show", f"{base}:{path}"), ROOT / path
    if before is None or not now.exists() or not path.endswith((".cpp", ".hpp")):
        return True
    return code(before) != code(now.read_text(encoding="utf-8"))


def changed_since(commit=None):
    """Paths below the root whose code differs from where this branch left the commit's, the main branch by default."""
    main = git("rev-parse", "--verify", "--quiet", commit or "origin/main") or git("rev-parse", commit or "main")
    base = git("merge-base", main.strip(), "HEAD") if main else None
    if not base:
        sys.exit(f"no commit {commit or 'main'} to compare with; --all needs none")
    base = base.strip()
    paths = git("diff", "--name-only", base).splitlines()
    return {path for path in paths if is_other_code(base, path)}


def seconds_left():
    """Until TT_CI_END (seconds since 1970), which .ci/run sets; without it there is no end."""
    end = os.environ.get("TT_CI_END")
    return float(end) - time.time() if end else float("inf")


def report(what, failed, done, wanted, everything):
    """Says what was found and what there was no time for; the exit status."""
    if failed:
        print(f"{what}: {len(failed)} of {len(done)} fail: {' '.join(map(str, failed))}")
    else:
        print(f"{what}: {len(done)} of {len(wanted)} looked at, none fails")
    left = [str(one) for one in wanted if one not in done]
    if left:
        print(f"{what}: NO TIME LEFT for {len(left)}: {' '.join(left)}\n`{everything}` takes the time it needs.")
    return 1 if failed else 0
