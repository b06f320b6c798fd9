"""What is played on the air, with lengths short enough for a demonstration."""

from __future__ import annotations

from typing import NamedTuple


class Track(NamedTuple):
    """One recording of an invented artist."""

    title: str
    seconds: int
    artist: str
    album: str
    picture: str


CRANE = ("Ottoline Crane", "Two Hundred and Fourteen Steps", "lighthouse")
FERRIES = ("The Paper Ferries", "Below the Waterline", "ferry")
LANTERNS = ("Lantern Committee", "Minutes of the Last Meeting", "lantern")
PEEL = ("Juno Peel", "Nine Oranges", "peel")
RAIN = ("Rain on Tin", "Corrugated", "rain")
SIGNAL = ("Signal House", "The Numbers Evening", "signal")
TIDE = ("Tidewater Nine", "Low Water, Slack Water", "tide")
DESK = ("The Night Desk Players", "For Whoever Is Awake", "desk")

# In the order of the programme: two of a kind never follow each other.
_PROGRAMME = (
    (CRANE, "Harmonium in Fog", 94),
    (PEEL, "Celery Snare", 76),
    (TIDE, "Bring the Boat Round", 112),
    (SIGNAL, "Four, Nine, Nought", 83),
    (FERRIES, "Lock Keeper’s Daughter", 101),
    (RAIN, "Gutter Waltz", 88),
    (LANTERNS, "Motion Carried", 97),
    (DESK, "Lamp, Pencil, Tea", 72),
    (CRANE, "The Keeper Snores in B Flat", 105),
    (SIGNAL, "Ionosphere", 91),
    (PEEL, "Ripe at 58 Hertz", 79),
    (FERRIES, "Onions from the Bridge", 86),
    (TIDE, "Slack", 118),
    (LANTERNS, "Any Other Business", 74),
    (RAIN, "Bergen, Half an Hour", 109),
    (CRANE, "Bottom of the Stairs", 93),
    (DESK, "Polka for Perth", 70),
    (FERRIES, "Overtaken by a Duck", 82),
    (PEEL, "Fridge, Hi-Hat", 77),
    (SIGNAL, "Somebody in Montevideo", 103),
    (TIDE, "Harbour Master’s High Note", 90),
    (LANTERNS, "Seconded", 85),
    (RAIN, "Weather by the Fire Brigade", 96),
    (CRANE, "Supply Boat", 81),
    (FERRIES, "No Canal, No Show", 99),
    (PEEL, "Cutlery Drawer (Slow)", 110),
    (DESK, "The Long Lull", 114),
    (SIGNAL, "Between Stations", 78),
    (LANTERNS, "Forty Lanterns", 107),
    (TIDE, "05:20", 73),
    (RAIN, "Shed 6", 87),
    (FERRIES, "Damp Merchandise", 92),
    (CRANE, "I Waved, It Did Not Know", 116),
    (SIGNAL, "A Gull Called Hertz", 84),
    (PEEL, "Tenth Orange", 75),
    (DESK, "Good Night, Lisbon", 98),
    (LANTERNS, "Apologies for Absence", 89),
    (TIDE, "Cape Sorrow", 104),
    (RAIN, "Drip, Drip, Encore", 80),
    (FERRIES, "Fill in the Reeds", 95),
)

TRACKS = tuple(
    Track(title, seconds, *performer) for performer, title, seconds in _PROGRAMME
)
