"""The concerts and evenings that the station announces."""

from __future__ import annotations

from typing import NamedTuple


class Concert(NamedTuple):
    """One evening; its date follows from when it is announced.

    ``change`` is what becomes of it some minutes later: "" or "cancelled" or
    "later", an hour.
    """

    title: str
    text: str
    hour: int
    venue: str
    zone: str
    tags: tuple[str, ...]
    change: str = ""


LISBON, OSAKA, NAIROBI = "Europe/Lisbon", "Asia/Tokyo", "Africa/Nairobi"
WELLINGTON, HALIFAX, TALLINN = "Pacific/Auckland", "America/Halifax", "Europe/Tallinn"

CONCERTS = (
    Concert(
        "Ottoline Crane: songs from the lamp room",
        "Harmonium and voice, by the light of the lamp. 214 steps, no lift.",
        21,
        "Cape Sorrow Lighthouse, Halifax",
        HALIFAX,
        ("ottoline-crane",),
    ),
    Concert(
        "The Paper Ferries on the Tagus",
        "The band plays from the barge; you sit on the quay. Blankets for hire.",
        20,
        "Cais das Colunas, Lisbon",
        LISBON,
        ("the-paper-ferries",),
        "later",
    ),
    Concert(
        "Lantern Committee: eleven roofs",
        "Forty players, heard best from the middle of the square. Bring a lantern.",
        19,
        "Town Hall Square, Tallinn",
        TALLINN,
        ("lantern-committee",),
    ),
    Concert(
        "Juno Peel cooks dinner",
        "A live set in four courses. Everything you hear, you get to eat.",
        19,
        "Kitchen Theatre, Osaka",
        OSAKA,
        ("juno-peel",),
    ),
    Concert(
        "Night Desk, in daylight",
        "The overnight show at noon, with curtains. Requests on paper only.",
        12,
        "Studio B, Radio Meridian, Lisbon",
        LISBON,
        ("station",),
    ),
    Concert(
        "Tidewater Nine: one tide, one set",
        "They begin at low water and end when the stage floats.",
        18,
        "Island Bay, Wellington",
        WELLINGTON,
        ("tidewater-nine",),
        "cancelled",
    ),
    Concert(
        "Rain on Tin, indoors",
        "A quartet for corrugated roof. The weather is provided by the fire brigade.",
        20,
        "Shed 6, Wellington",
        WELLINGTON,
        ("rain-on-tin",),
    ),
    Concert(
        "Signal House: the numbers evening",
        "Two synthesisers read out four hours of digits. There is a bar.",
        22,
        "Relay Station, Nairobi",
        NAIROBI,
        ("signal-house",),
    ),
    Concert(
        "Build a radio from a pencil",
        "A workshop for eight people and eight razor blades. Plasters are included.",
        14,
        "Engineering, Radio Meridian, Lisbon",
        LISBON,
        ("station", "workshop"),
    ),
    Concert(
        "The harbour choir, and soup",
        "Sea songs in unison, more or less. The soup starts at the second chorus.",
        18,
        "The Net Loft, Halifax",
        HALIFAX,
        ("community",),
    ),
    Concert(
        "An evening for the last tram",
        "Records from the shop on Line 9, played on the tram, which does not move.",
        20,
        "Depot 2, Tallinn",
        TALLINN,
        ("records",),
        "later",
    ),
    Concert(
        "The Long Lull: 612 lullabies",
        "From one o’clock until they are used up. Pillows, no talking.",
        1,
        "Botanical Garden, Nairobi",
        NAIROBI,
        ("listeners",),
    ),
)
