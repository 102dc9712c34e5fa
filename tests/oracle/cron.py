#!/usr/bin/env python3
"""An oracle of cron_next: random (expression, zone, instant) against a walk over local days by Python's own
calendar and time zones.  Usage: cron.py build/oracle/next CASES [SEED].  Exit 1 at a difference."""

import bisect
import datetime
import os
import random
import subprocess
import sys
import zoneinfo

ZONES = ["UTC", "America/New_York", "Europe/London", "Australia/Lord_Howe", "Africa/Casablanca", "Europe/Dublin",
         "Asia/Kathmandu", "Pacific/Apia", "America/Asuncion", "Asia/Almaty"]
DAY = 86400
BEGIN = 946684800  # 2000-01-01
END = 4102444800  # 2100-01-01
WALK_DAYS = 1500  # a firing that is further away is only checked not to be nearer
EPOCH = datetime.date(1970, 1, 1)
MONTHS = "jan feb mar apr may jun jul aug sep oct nov dec".split()
WEEKDAYS = "sun mon tue wed thu fri sat".split()
RANGES = {"second": (0, 59), "minute": (0, 59), "hour": (0, 23), "day": (1, 31), "month": (1, 12), "weekday": (0, 7)}
EVERY = {"@hourly": "0 * * * *", "@daily": "0 0 * * *", "@weekly": "0 0 * * sun", "@monthly": "0 0 1 * *",
         "@yearly": "0 0 1 1 *"}


# ---- zones: from when to when which offset holds, found by asking zoneinfo ---------------------------------


def offset_at(zone, at):
    utc = datetime.datetime.fromtimestamp(at, datetime.timezone.utc)
    return int(utc.astimezone(zone).utcoffset().total_seconds())


def spans_of(name):
    """[(begin, end, offset)] over all that is asked for; looks every six hours, then halves."""
    zone = zoneinfo.ZoneInfo(name)
    first, last, step = BEGIN - 400 * DAY, END + 5000 * DAY, 21600
    spans, begin, offset = [], first, offset_at(zone, first)
    for at in range(first + step, last, step):
        seen = offset_at(zone, at)
        if seen == offset:
            continue
        low, high = at - step, at
        while high - low > 1:
            middle = (low + high) // 2
            if offset_at(zone, middle) == offset:
                low = middle
            else:
                high = middle
        spans.append((begin, high, offset))
        begin, offset = high, seen
    spans.append((begin, last, offset))
    return spans


# ---- expressions: read once more, into sets and predicates -------------------------------------------------


def value(text, kind):
    names = {"month": MONTHS, "weekday": WEEKDAYS}.get(kind, [])
    if text.lower() in names:
        return names.index(text.lower()) + (kind == "month")
    return int(text)


def numbers(item, kind):
    """The set that "*", "5", "1-5", with a step or without, stands for."""
    low, high = RANGES[kind]
    body, _, step = item.partition("/")
    if body not in ("*", "?"):
        ends = body.split("-")
        low, high = value(ends[0], kind), value(ends[-1], kind)
    return set(range(low, high + 1, int(step or 1)))


def length_of(date):
    return ((date.replace(day=28) + datetime.timedelta(4)).replace(day=1) - datetime.timedelta(1)).day


def nearest(date, day):
    """The date that nW means in a date's month; None when the month has no such day."""
    if not 1 <= day <= length_of(date):
        return None
    wanted = date.replace(day=day)
    for distance in (0, -1, 1, -2, 2):
        other = wanted + datetime.timedelta(distance)
        if other.month == date.month and other.weekday() < 5:
            return other
    return None


def day_item(item, date):
    lower = item.lower()
    if lower.startswith("l"):
        before = int(lower.strip("lw-") or 0)
        if lower.endswith("w"):
            return nearest(date, length_of(date) - before) == date
        return date.day == length_of(date) - before
    if lower.endswith("w"):
        return nearest(date, int(lower[:-1])) == date
    return date.day in numbers(item, "day")


def weekday_item(item, date):
    sunday_first = date.isoweekday() % 7
    if "#" in item:
        name, nth = item.split("#")
        return value(name, "weekday") % 7 == sunday_first and (date.day - 1) // 7 + 1 == int(nth)
    if item[-1] in "lL":
        return value(item[:-1], "weekday") % 7 == sunday_first and date.day + 7 > length_of(date)
    return sunday_first in {n % 7 for n in numbers(item, "weekday")}


class Expression:
    def __init__(self, text):
        fields = EVERY.get(text, text).split()
        if len(fields) == 5:
            fields.insert(0, "0")
        self.seconds, self.minutes, self.hours = (
            sorted(set().union(*(numbers(i, kind) for i in field.split(","))))
            for field, kind in zip(fields, ("second", "minute", "hour")))
        self.months = set().union(*(numbers(i, "month") for i in fields[4].split(",")))
        self.days, self.weekdays = fields[3].split(","), fields[5].split(",")
        self.both = fields[3][0] in "*?" or fields[5][0] in "*?"
        self.wildcard = fields[1][0] == "*" or fields[2][0] == "*"

    def has_day(self, day):
        date = EPOCH + datetime.timedelta(day)
        if date.month not in self.months:
            return False
        by_date = any(day_item(i, date) for i in self.days)
        if by_date != self.both:
            return by_date
        return any(weekday_item(i, date) for i in self.weekdays)

    def times(self, begin=0):
        """Seconds of the day, in order, from one on."""
        for hour in self.hours:
            if hour * 3600 + 3599 < begin:
                continue
            for minute in self.minutes:
                if hour * 3600 + minute * 60 + 59 < begin:
                    continue
                for second in self.seconds:
                    if hour * 3600 + minute * 60 + second >= begin:
                        yield hour * 3600 + minute * 60 + second


# ---- the walk -----------------------------------------------------------------------------------------------


def around(spans, begins, local):
    """The spans in which a local day may lie."""
    at = bisect.bisect_right(begins, local - 2 * DAY) - 1
    found = []
    while at < len(spans) and spans[at][0] < local + 3 * DAY:
        found.append(spans[at])
        at += 1
    return found


def wildcard_on(expression, near, local, after):
    """The first instant behind `after` that shows a matching time of this day."""
    best = None
    for begin, end, offset in near:
        first = max(begin, after + 1) + offset - local
        if first >= DAY or end + offset <= local:
            continue
        tod = next(expression.times(max(first, 0)), None)
        if tod is not None and local + tod - offset < end:
            best = min(best or END * 2, local + tod - offset)
    return best


def instant_of(near, wall):
    """When a fixed local time fires: at its first pass; behind the gap when there is none."""
    for begin, end, offset in near:
        if begin <= wall - offset < end:
            return wall - offset
    for (_, end, offset), (_, _, later) in zip(near, near[1:]):
        if end + offset <= wall < end + later:
            return end
    raise AssertionError("a time of no span and no gap")


def fixed_on(expression, near, local, after):
    if len(near) == 1:
        tod = next(expression.times(max(after + 1 + near[0][2] - local, 0)), None)
        return None if tod is None else local + tod - near[0][2]
    for tod in expression.times():
        at = instant_of(near, local + tod)
        if at > after:
            return at
    return None


def walk(expression, spans, begins, after):
    """The next firing, and up to when it was looked for."""
    offset = spans[bisect.bisect_right(begins, after) - 1][2]
    today = (after + offset) // DAY
    on_day = wildcard_on if expression.wildcard else fixed_on
    best, days_left = None, WALK_DAYS
    for day in range(today - 2, today + WALK_DAYS):
        if expression.has_day(day):
            at = on_day(expression, around(spans, begins, day * DAY), day * DAY, after)
            if at is not None and (best is None or at < best):
                best, days_left = at, min(days_left, 2)  # where clocks go back over midnight days interleave
        if best is not None:
            days_left -= 1
            if days_left < 0:
                break
    return best


# ---- cases -------------------------------------------------------------------------------------------------


def random_item(rng, kind):
    low, high = RANGES[kind]
    if kind == "hour" and rng.random() < 0.5:
        high = 4  # where clocks change
    first = rng.randint(low, high)
    last = rng.randint(first, high)
    name = {"month": lambda n: rng.choice([str(n), MONTHS[n - 1]]),
            "weekday": lambda n: rng.choice([str(n), WEEKDAYS[n] if n < 7 else "7"])}.get(kind, str)
    chance = rng.random()
    if kind == "day" and chance < 0.25:
        return rng.choice(["L", f"L-{rng.randint(1, 30)}", f"{first}W", "LW", "l", f"L-{rng.randint(1, 5)}W"])
    if kind == "weekday" and chance < 0.25:
        return name(first) + rng.choice(["L", f"#{rng.randint(1, 5)}"])
    if chance < 0.6:
        return name(first)
    if chance < 0.8:
        return f"{first}-{last}"
    if chance < 0.9:
        return f"{first}-{last}/{rng.randint(1, 12)}"
    return f"*/{rng.randint(1, max(high // 2, 2))}"


def random_field(rng, kind, star):
    if rng.random() < star:
        return rng.choice(["*", "?"]) if kind in ("day", "weekday") else "*"
    return ",".join(random_item(rng, kind) for _ in range(rng.choice([1, 1, 1, 2, 3])))


def random_expression(rng):
    if rng.random() < 0.02:
        return rng.choice(list(EVERY))
    stars = {"second": 0.2, "minute": 0.2, "hour": 0.3, "day": 0.5, "month": 0.7, "weekday": 0.5}
    fields = [random_field(rng, kind, star) for kind, star in stars.items()]
    return " ".join(fields if rng.random() < 0.3 else fields[1:])


def random_instant(rng, spans):
    if len(spans) > 1 and rng.random() < 0.7:
        at = rng.choice(spans)[1] + int(rng.gauss(0, 1) * rng.choice([3600, DAY, 5 * DAY]))
        if BEGIN <= at < END:
            return at
    return rng.randrange(BEGIN, END)


def compare(helper, name, count, seed):
    rng = random.Random(f"{seed} {name}")
    spans = spans_of(name)
    begins = [s[0] for s in spans]
    cases = []
    while len(cases) < count:
        text = random_expression(rng)
        cases += [(random_instant(rng, spans), text) for _ in range(min(4, count - len(cases)))]
    lines = "".join(f"{after} {name} {text}\n" for after, text in cases)
    answers = subprocess.run([helper], input=lines, capture_output=True, text=True, check=True).stdout.split("\n")
    assert len(answers) == count + 1
    wrong = found = 0
    expression, last = None, None
    for (after, text), answer in zip(cases, answers):
        if text != last:
            expression, last = Expression(text), text
        want = walk(expression, spans, begins, after)
        found += want is not None
        if want is None:
            is_right = answer == "never" or answer.isdigit() and int(answer) > after + (WALK_DAYS - 3) * DAY
        else:
            is_right = answer == str(want)
        if not is_right:
            wrong += 1
            if wrong <= 5:
                print(f'"{text}" in {name} after {after}: {answer}, Python: {want}', file=sys.stderr)
    return wrong, found


def main():
    helper, total = sys.argv[1], int(sys.argv[2])
    seed = sys.argv[3] if len(sys.argv) > 3 else "1"
    others = sorted(zoneinfo.available_timezones() - set(ZONES) - {"localtime", "Factory"})
    names = ZONES + random.Random(seed).sample([z for z in others if "/" in z], 6)
    share = -(-total // len(names))
    jobs = os.cpu_count() or 1
    children = []
    for job in range(jobs):
        child = os.fork()
        if child == 0:
            results = [compare(helper, name, share, seed) for name in names[job::jobs]]
            wrong, found = (sum(column) for column in zip(*results)) if results else (0, 0)
            print(f"oracle: {share * len(results)} cases, {found} fire within {WALK_DAYS} days, {wrong} differ")
            sys.stdout.flush()
            os._exit(wrong > 0)
        children.append(child)
    return any([os.waitpid(child, 0)[1] for child in children])


if __name__ == "__main__":
    sys.exit(main())
