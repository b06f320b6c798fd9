"""What the station's artists and its night desk post."""

from __future__ import annotations

from typing import NamedTuple


class Post(NamedTuple):
    """One post; ``first`` is how it read before its author saw the slip."""

    text: str
    first: str = ""
    warning: str = ""
    picture: str = ""
    alt: str = ""


class Account(NamedTuple):
    """Who posts, with the picture that stands for them."""

    acct: str
    name: str
    picture: str
    posts: tuple[Post, ...]

    @property
    def id(self) -> str:
        # Opaque on purpose, as on a real server.
        return str(1000 + sum(map(ord, self.acct)))


ACCOUNTS = (
    Account(
        "ottoline",
        "Ottoline Crane",
        "lighthouse",
        (
            Post("Day 12 in the lighthouse. The foghorn and I have agreed on a key."),
            Post(
                "Found a third verse at the bottom of the stairs. 214 steps. Of course"
                " it was at the bottom.",
                first="Found a third verse at the botom of the stairs. 214 steps. Of"
                " course it was at the bottom.",
            ),
            Post(
                "New song tonight, recorded in one take because the lamp was turning."
            ),
            Post(
                "The keeper asked what a harmonium is for. I played it. He asked"
                " again.",
            ),
            Post(
                "This is the view from the vocal booth.",
                picture="lighthouse",
                alt="A lighthouse at dusk, its beam reaching over a dark sea",
            ),
            Post("If you hear breathing on the record, that is the sea. Mostly."),
            Post(
                "The long note at the end is a ferry. I waved. It did not know.",
                warning="Spoils the ending of the album",
            ),
            Post("Supply boat came: strings, soup, and a letter from my bass player."),
        ),
    ),
    Account(
        "paperferries",
        "The Paper Ferries",
        "ferry",
        (
            Post("Lock 4 of 31. The drums are below the waterline and sound better."),
            Post(
                "Tonight’s show is on the left bank. Bring a blanket, or know somebody"
                " with a blanket.",
            ),
            Post("Merchandise update: the shirts are dry. The tote bags are learning."),
            Post(
                "We have been overtaken by a duck, twice, by the same duck.",
                first="We have been overtaken by a duck, twice, by the same dcuk.",
            ),
            Post(
                "Moored under the railway bridge, in D minor.",
                picture="ferry",
                alt="A ferry half in daylight and half in the dark, before a sun",
            ),
            Post("Question for bass players: how do you tune on something that rocks?"),
            Post(
                "Thank you, whoever threw us the onions. We played the encore for you."
            ),
            Post(
                "Bette has steered us into the reeds so that she could finish a fill."
            ),
        ),
    ),
    Account(
        "lanterns",
        "Lantern Committee",
        "lantern",
        (
            Post("Rehearsal at eight. Roof 3, then roof 7. Wear the shoes."),
            Post("The minutes of the last meeting were played, seconded and encored."),
            Post(
                "All forty lanterns lit, and thirty-eight trombonists accounted for.",
                picture="lantern",
                alt="Paper lanterns on strings against a deep blue evening",
            ),
            Post(
                "The people at number 12 asked for something quieter. We sent them the"
                " flugelhorns.",
            ),
            Post(
                "Motion to end the waltz before midnight: rejected, 3 to 37.",
                first="Motion to end the waltz before midnight: rejected, 37 to 3.",
            ),
            Post("Looking for a tuba case. It has a tuba in it. The tuba misses us."),
            Post("We are told the echo comes from the town hall. It may vote."),
            Post("First snow on the mouthpieces. Nobody say anything about tongues."),
        ),
    ),
    Account(
        "junopeel",
        "Juno Peel",
        "peel",
        (
            Post(
                "Today’s snare: one celery stalk, snapped at arm’s length. Sorry, soup."
            ),
            Post("A ripe melon is 58 Hz. An unripe melon is a lie."),
            Post(
                "Nine Oranges is out. The tenth orange was eaten by the engineer.",
                picture="peel",
                alt="Half an orange over a curl of its peel",
            ),
            Post("Spent six hours on a hi-hat. It was the fridge. It is perfect."),
            Post(
                "My neighbour knocked about the noise, so the knock is in bar 17 now.",
                first="My neighbour knocked about the noise, so the knock is in bar 71"
                " now.",
            ),
            Post("Does anybody have a louder aubergine?"),
            Post("The bassline is a cutlery drawer, slowed down until it is sorry."),
            Post("Live set on Friday. Aprons recommended in the first two rows."),
        ),
    ),
    Account(
        "nightdesk",
        "Night Desk",
        "desk",
        (
            Post(
                "It is 3:04 here and somebody in Perth has asked for a polka. Coming"
                " up."
            ),
            Post("The kettle is on. So are we. In that order."),
            Post(
                "To the lorry driver outside Tallinn: yes, that was for you, and no, we"
                " do not know your name either.",
            ),
            Post(
                "Reading the shipping forecast very slowly, because it is that kind"
                " of sea."
            ),
            Post(
                "The desk at this hour: one lamp, four pencils, and 2,113 of you.",
                picture="desk",
                alt="A mixing desk with its faders up",
            ),
            Post(
                "A listener hummed eleven notes down the phone. We found it. It is a"
                " hymn."
            ),
            Post(
                "Next hour: songs that mention trains and then do not take one.",
                first="Next hour: songs that mention trains and then do not take on.",
            ),
            Post("Good morning, Wellington. Good night, Lisbon. Hold the door, Osaka."),
        ),
    ),
)
