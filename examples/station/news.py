"""The newsroom's articles."""

from __future__ import annotations

from typing import NamedTuple


class Article(NamedTuple):
    """One article; ``later`` is the title that it gets after some minutes."""

    title: str
    text: str
    author: str
    tags: tuple[str, ...]
    later: str = ""


SAM, ILSE, DOV = "Sam Abara", "Ilse Marchetti", "Dov Lindqvist"

ARTICLES = (
    Article(
        "The kettle in Studio B has been repaired",
        "After nine days, two electricians and one strongly worded note, the kettle"
        " boils again. Overnight presenters describe the mood as “almost chatty”.",
        SAM,
        ("studio", "kettle"),
    ),
    Article(
        "Long wave is back after the gale",
        "Engineers reset the 198 kHz transmitter at first light. Listeners at sea"
        " heard us again eleven minutes later, and three of them rang to say so.",
        DOV,
        ("engineering",),
        "Long wave is back after the gale, and louder",
    ),
    Article(
        "Ottoline Crane will record her next album in a lighthouse",
        "She moved in with one harmonium, two microphones and a keeper who snores in"
        " B flat. “We kept it in,” she says. The first song comes out this month.",
        ILSE,
        ("artists", "ottoline-crane"),
    ),
    Article(
        "Tonight’s relay starts in Wellington",
        "We follow the evening west once more: Wellington hands over to Osaka, Osaka"
        " to Nairobi, Nairobi to Lisbon. If you hear breakfast, we overslept.",
        SAM,
        ("programme",),
    ),
    Article(
        "Harbour choir needs basses, will provide soup",
        "Rehearsals are on Tuesdays in the net loft above the chandlery. No audition,"
        " says the conductor; if you can hum along with a foghorn, you are in.",
        ILSE,
        ("community",),
    ),
    Article(
        "A record shop opens inside a decommissioned tram",
        "Line 9 last ran in 1994. Now it sells second-hand vinyl, runs on coffee and"
        " still rings its bell whenever somebody buys a live album.",
        ILSE,
        ("city", "records"),
    ),
    Article(
        "Ferries run late, so the ferry show runs long",
        "With the 18:40 crossing held by fog, tonight’s edition of Slow Water goes on"
        " until the boat is in. The host has brought sandwiches.",
        DOV,
        ("programme", "weather"),
        "The fog has lifted: Slow Water ends at nine after all",
    ),
    Article(
        "Listeners map the sounds that disappeared",
        "Milk floats, dial tones, a certain factory whistle: four hundred recordings"
        " reached us in a week. We have begun to play one each hour, on the half.",
        SAM,
        ("listeners", "archive"),
    ),
    Article(
        "The Paper Ferries announce a tour by water only",
        "Twelve towns, one barge, no vans. “If there’s no canal, we don’t go,” says"
        " drummer Bette Okafor. The merchandise will be damp.",
        ILSE,
        ("artists", "the-paper-ferries"),
    ),
    Article(
        "Our archive found the first broadcast, and it is mostly coughing",
        "The reel from 1958 was filed under weather. Forty seconds in, a voice says"
        " “is it on?”, which has been the station’s motto ever since.",
        DOV,
        ("archive",),
    ),
    Article(
        "Night bus drivers pick the best song for a red light",
        "The winner is two minutes and four seconds long, exactly one cycle at the"
        " junction of Mill Road. We play it tonight, and again at the next light.",
        SAM,
        ("city", "listeners"),
    ),
    Article(
        "Juno Peel samples an entire greengrocer’s",
        "Melons for the kick drum, celery for the snare, and one very patient owner."
        " The single is called Nine Oranges, and comes with the receipt.",
        ILSE,
        ("artists", "juno-peel"),
    ),
    Article(
        "The tide table is now also a song",
        "By popular demand, the 05:20 tide report will be sung on Sundays. The"
        " harbour master has approved the melody, but not the high note.",
        DOV,
        ("programme", "tides"),
    ),
    Article(
        "School radio wins an hour on the main frequency",
        "Pupils from three islands take over this Friday at four. They promise two"
        " interviews, one quiz and “absolutely no songs about homework”.",
        SAM,
        ("community", "programme"),
    ),
    Article(
        "New aerial, old gull",
        "The replacement mast at Cape Sorrow was occupied within the hour. Reception"
        " is excellent on both accounts, and the engineers have named her Hertz.",
        DOV,
        ("engineering",),
    ),
    Article(
        "Lantern Committee will play from rooftops again",
        "Forty players, eleven roofs, one conductor with a torch. Last year the"
        " tubas came in half a street late, which most people preferred.",
        ILSE,
        ("artists", "lantern-committee"),
    ),
    Article(
        "We asked for lullabies, and nobody slept",
        "You sent 612 of them, in forty-one languages, from a whistle to a string"
        " quartet. The Long Lull begins tonight at one and ends when they are used up.",
        SAM,
        ("listeners", "programme"),
    ),
    Article(
        "The last phone-in of the month is about doors",
        "Revolving, stage, cellar, trap: tell us about a door that changed your mind."
        " Lines open at ten, and for once you may slam yours on the air.",
        SAM,
        ("programme", "listeners"),
    ),
    Article(
        "A cinema organ comes home on eleven lorries",
        "The Regal’s organ was sold for parts in 1971. A retired dentist bought back"
        " every pipe, and plays it for the first time this Saturday.",
        ILSE,
        ("city",),
    ),
    Article(
        "Solar storm: expect whistles, and maybe Montevideo",
        "Forecasters see a lively ionosphere until Thursday. Tune slowly after dark,"
        " write down what you hear, and send us your furthest station.",
        DOV,
        ("engineering", "weather"),
        "Solar storm: a listener on Skye heard Montevideo",
    ),
    Article(
        "Half an hour of rain, by request",
        "It has not rained in the valley since May, so at noon we play thirty minutes"
        " of it, recorded in Bergen, where they can spare some.",
        SAM,
        ("programme", "weather"),
    ),
    Article(
        "The piano in Departures may stay",
        "The airport wanted it moved for a perfume stand; nine thousand travellers"
        " signed. Flight information will now be given between movements.",
        ILSE,
        ("city",),
    ),
    Article(
        "How to build a radio from a pencil and a razor blade",
        "Our weekend workshop is full, so here is the whole recipe. It needs no"
        " battery, picks up exactly one station, and we are glad to say which.",
        DOV,
        ("engineering", "community"),
    ),
    Article(
        "Correction: the swans are not ours",
        "In last night’s bulletin we said that the station keeps swans. It does not."
        " They come and go as they like, and so far they have liked the car park.",
        SAM,
        ("studio",),
    ),
)
