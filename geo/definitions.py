"""What each property of a collection means, in Dutch and English: for who opens a file and never read our manual."""

from collections.abc import Mapping, Sequence

from geo.vocabulary import Term

IDENTIFIER = Term("Vast kenmerk van de rij; blijft hetzelfde.", "Identifier of the row; it stays the same.")
GEOMETRY = Term("Plaats of gebied.", "Place or area.")
WRITTEN = Term("Plaats of gebied, als tekst (WKT).", "Place or area, as text (WKT).")
EAST = Term("Lengtegraad, of x in meters; van punten.", "Longitude, or x in metres; of points.")
NORTH = Term("Breedtegraad, of y in meters; van punten.", "Latitude, or y in metres; of points.")


def of(collection: str, fields: Sequence[str]) -> dict[str, Term]:
    """Give the definition of each field of a collection. Raises KeyError for a field that has none."""
    table = {**EVERYWHERE, **(OF_COVERAGE if collection.startswith("coverage") else {})}
    return {field: table[field] for field in fields}


EVERYWHERE: Mapping[str, Term] = {
    "accessibility": Term(
        "Toegankelijkheid: wat er is (true) en niet is (false); niet genoemd is niet bekend.",
        "Accessibility: what there is (true) and is not (false); what is not named is not known.",
    ),
    "address": Term("Straat en huisnummer.", "Street and house number."),
    "asset": Term("Kenmerk van de plek waar het is.", "Identifier of the asset where it takes place."),
    "asset_name": Term("Naam van de plek waar het is.", "Name of the asset where it takes place."),
    "capacity": Term("Hoeveel mensen er terechtkunnen.", "How many people there is room for."),
    "catchment": Term(
        "Buurten waarvoor de plek werkt, naast die waar zij ligt (kenmerk en naam).",
        "Neighbourhoods that it serves besides the one it lies in (id and name).",
    ),
    "children": Term("Inwoners jonger dan 15 jaar.", "Residents younger than 15."),
    "city": Term("Woonplaats.", "Place of residence, as in an address."),
    "code": Term("Officiële code van het gebied (CBS).", "Official code of the area (CBS)."),
    "confirmed_by": Term("Wie dit voor het laatst bevestigde.", "Who confirmed this last."),
    "confirmed_on": Term("Wanneer dit voor het laatst is bevestigd.", "When this was last confirmed."),
    "cost": Term("Wat het kost, in woorden.", "What it costs, in words."),
    "created_at": Term("Sinds wanneer de rij er is.", "Since when the row is there."),
    "demo": Term("Waar (true): verzonnen als voorbeeld.", "True: invented as an example."),
    "description": Term("Beschrijving.", "Description."),
    "ends_on": Term("Laatste dag; leeg: zonder einde.", "Last day; empty: without an end."),
    "figures_missing": Term(
        "Waarom een kerncijfer ontbreekt, per cijfer.", "Why a key figure is missing, for each such figure."
    ),
    "founded_in": Term("Jaar van oprichting.", "Year in which it was founded."),
    "funding": Term("Waar het geld vandaan komt.", "Where the money comes from."),
    "goals": Term("Doelen; sleutels van /v1/vocabulary.", "Goals; keys of /v1/vocabulary."),
    "growth": Term("Hoe het groeide: fase en jaar.", "How it grew: stage and year."),
    "households": Term("Aantal huishoudens (kerncijfer).", "Number of households (key figure)."),
    "how_to_join": Term("Hoe men kan meedoen.", "How to join."),
    "in_force": Term(
        "Waar (true): geen later jaar heeft deze plek op de kaart overgenomen.",
        "True: no later year has taken its place on the map.",
    ),
    "kind": Term(
        "Soort: community_room (buurtkamer), initiative (initiatief), care_location (zorglocatie), volunteer.",
        "Kind: community_room, initiative, care_location or volunteer.",
    ),
    "ladder_level": Term("Trede op de participatieladder, 1 tot 6.", "Step of the ladder of participation, 1 to 6."),
    "languages": Term("Talen die er gesproken worden (ISO 639-1).", "Languages that are spoken there (ISO 639-1)."),
    "legal_form": Term("Rechtsvorm.", "Legal form."),
    "level": Term("Niveau: buurt, wijk, gemeente of drawn (getekend).", "Level: buurt, wijk, gemeente or drawn."),
    "licence": Term("Licentie van de bron.", "Licence of the source."),
    "name": Term("Naam.", "Name."),
    "neighbourhood": Term("Kenmerk van de buurt waarin het ligt.", "Identifier of the neighbourhood it lies in."),
    "neighbourhood_name": Term("Naam van de buurt waarin het ligt.", "Name of the neighbourhood it lies in."),
    "next_on": Term("Eerstvolgende dag, op de dag van uitvoer.", "The next day, as of the day of the export."),
    "one_person_households": Term("Huishoudens van één persoon.", "Households of one person."),
    "opening_hours": Term(
        "Openingstijden, zoals OpenStreetMap ze schrijft.", "Opening hours, as OpenStreetMap writes them."
    ),
    "organisation": Term(
        "Wie het runt: naam, rechtsvorm, adres op het web.", "Who runs it: name, legal form, web address."
    ),
    "parent": Term("Kenmerk van het gebied waarin het ligt.", "Identifier of the area that it lies in."),
    "postcode": Term("Postcode.", "Postal code."),
    "repeat": Term("Eén keer (once) of elke week (weekly).", "Once, or weekly."),
    "residents": Term("Aantal inwoners (kerncijfer).", "Number of residents (key figure)."),
    "residents_65": Term("Inwoners van 65 jaar en ouder.", "Residents of 65 and older."),
    "schematic": Term(
        "Waar (true): de omtrek is schematisch, niet de officiële.",
        "True: the outline is schematic, not the official one.",
    ),
    "services": Term("Wat er geboden wordt; sleutels van /v1/vocabulary.", "What is offered; keys of /v1/vocabulary."),
    "source": Term("Bron van de rij.", "Source of the row."),
    "source_id": Term("Kenmerk van de rij bij de bron.", "Identifier of the row at its source."),
    "starts_on": Term("Eerste of enige dag.", "First or only day."),
    "status": Term("Stand van de rij; published is openbaar.", "State of the row; published is public."),
    "summary": Term("Korte omschrijving.", "Short description."),
    "target_groups": Term("Voor wie; sleutels van /v1/vocabulary.", "For whom; keys of /v1/vocabulary."),
    "theme": Term("Thema; sleutel van /v1/vocabulary.", "Theme; a key of /v1/vocabulary."),
    "themes": Term("Thema's; sleutels van /v1/vocabulary.", "Themes; keys of /v1/vocabulary."),
    "time_from": Term("Begintijd, Nederlandse klok.", "From what time, by the clock in the Netherlands."),
    "time_to": Term("Eindtijd, Nederlandse klok.", "Until what time, by the clock in the Netherlands."),
    "title": Term("Naam van de activiteit.", "Name of the activity."),
    "updated_at": Term("Wanneer de rij voor het laatst veranderde.", "When the row changed last."),
    "url": Term("Adres op het web.", "Web address."),
    "version": Term(
        "Hoe vaak de rij veranderde, de eerste keer meegeteld.", "How often the row changed, the first time counted."
    ),
    "visible_from": Term("Eerste dag op de kaart; leeg: altijd al.", "First day on the map; empty: always was."),
    "visible_to": Term("Laatste dag op de kaart; leeg: zonder einde.", "Last day on the map; empty: without an end."),
    "year": Term("Jaar waarvan de grenzen en cijfers zijn.", "Year of which boundaries and figures are."),
}

# Where a result of a coverage run means something of its own. docs/coverage.md has the formulas.
OF_COVERAGE: Mapping[str, Term] = {
    "assets_across_border": Term(
        "Plekken in bereik die buiten de buurt liggen.", "Assets in reach outside the neighbourhood."
    ),
    "assets_in_reach": Term("Plekken binnen de norm van enige bewoner.", "Assets within the norm of any resident."),
    "band_hi": Term(
        "Aandeel in bereik als de norm 1,2 keer zo ver was.", "Covered share if the norm were 1.2 times as far."
    ),
    "band_lo": Term(
        "Aandeel in bereik als de norm 0,8 keer zo ver was.", "Covered share if the norm were 0.8 times as far."
    ),
    "certain_share": Term(
        "Hoe zeker het is dat er iets binnen de norm is, 0 tot 1.",
        "How sure it is that something is within the norm, 0 to 1.",
    ),
    "choice": Term("Gemiddeld aantal plekken binnen de norm.", "Mean number of assets within the norm."),
    "code": Term("Officiële code van de buurt (CBS).", "Official code of the neighbourhood (CBS)."),
    "computed_at": Term("Wanneer de berekening is gemaakt.", "When the run was made."),
    "covered": Term("Bewoners met iets binnen de norm.", "Residents with something within the norm."),
    "covered_by_catchment": Term(
        "Bewoners in bereik alleen omdat een plek zonder adres zegt voor hun buurt te werken.",
        "Residents covered only because an asset without a place says that it serves their neighbourhood.",
    ),
    "covered_hi": Term(
        "Hoogste aandeel in bereik, gezien hoe nauwkeurig adressen zijn.",
        "Highest covered share, given how exactly homes are known.",
    ),
    "covered_lo": Term(
        "Laagste aandeel in bereik, gezien hoe nauwkeurig adressen zijn.",
        "Lowest covered share, given how exactly homes are known.",
    ),
    "covered_share": Term(
        "Aandeel bewoners met iets binnen de norm, 0 tot 1.",
        "Share of residents with something within the norm, 0 to 1.",
    ),
    "crowding": Term("Bewoners per plaats.", "Residents for each place there is."),
    "demand_source": Term("Waaruit bekend is waar bewoners wonen.", "From what it is known where residents live."),
    "depth_m": Term(
        "Gemiddeld aantal meters voorbij de norm, van wie te ver woont.",
        "Mean metres beyond the norm, of those who live too far.",
    ),
    "edge_share": Term(
        "Aandeel dat dichter bij de rand van het gebied woont dan bij een plek.",
        "Share who live nearer to the edge of the area than to an asset.",
    ),
    "fallback_share": Term(
        "Aandeel te ver van het wegennet: hemelsbreed gerekend.",
        "Share too far from the walking network: straight lines.",
    ),
    "fgt1": Term(
        "Hoe ver voorbij de norm, over alle bewoners, 0 tot 1 (FGT-1).",
        "How far beyond the norm, over all residents, 0 to 1 (FGT-1).",
    ),
    "fragile_share": Term(
        "Aandeel met precies één plek binnen de norm.", "Share with exactly one asset within the norm."
    ),
    "gap": Term("Gatscore: 0 is ieder bediend, 100 is niemand.", "Gap score: 0 is all served, 100 is nobody."),
    "groups": Term(
        "Per groep bewoners: hoeveel er zijn, en hun aandeel in bereik.",
        "For each group of residents: how many there are, and their covered share.",
    ),
    "kind": Term(
        "Soort plek waarvan het bereik is berekend; leeg: alle met die dienst.",
        "Kind of asset whose coverage this is; empty: all with that service.",
    ),
    "mean_m": Term(
        "Gemiddelde loopafstand in meters, van wie iets bereikt.", "Mean walk in metres, of those who reach anything."
    ),
    "median_m": Term(
        "Binnen zoveel meter lopen heeft de helft van de bewoners iets.",
        "Within so many metres half of the residents have something.",
    ),
    "name": Term("Naam van de buurt.", "Name of the neighbourhood."),
    "nearest_id": Term(
        "Kenmerk van de plek die voor wie te ver woont meestal het dichtst bij is.",
        "Identifier of the asset most often nearest to those who live too far.",
    ),
    "nearest_m": Term("Middelste loopafstand daarheen, in meters.", "Median walk to it, in metres."),
    "nearest_name": Term("Naam van die plek.", "Name of that asset."),
    "neighbourhood": Term("Kenmerk van de buurt.", "Identifier of the neighbourhood."),
    "norm_m": Term(
        "Loopafstand die als bereikbaar telt, in meters.", "Walking distance that counts as within reach, in metres."
    ),
    "open_hours": Term(
        "Uren per week dat er iets binnen de norm open is, gemiddeld.",
        "Hours a week that something within the norm is open, on average.",
    ),
    "p90_m": Term(
        "Binnen zoveel meter lopen heeft negen op de tien bewoners iets.",
        "Within so many metres nine in ten residents have something.",
    ),
    "people_closed": Term(
        "Bewoners bij wie wat er is te weinig open is.", "Residents for whom what there is is open too little."
    ),
    "people_doubtful": Term(
        "Bewoners bij wie wat er is lang niet is bevestigd.",
        "Residents for whom what there is was not confirmed for long.",
    ),
    "people_full": Term("Bewoners bij wie te weinig plaatsen zijn.", "Residents for whom there are too few places."),
    "people_none": Term("Bewoners zonder iets binnen de norm.", "Residents with nothing within the norm."),
    "people_served": Term("Bewoners die bediend zijn.", "Residents who are served."),
    "per_1000": Term(
        "Plaatsen (of vrijwilligers) per 1.000 bewoners (E2SFCA).",
        "Places (or volunteers) per 1,000 residents (E2SFCA).",
    ),
    "reached_share": Term("Aandeel dat iets bereikt, hoe ver ook.", "Share who reach anything, however far."),
    "residents": Term("Bewoners van wie bekend is waar ze wonen.", "Residents of whom it is known where they live."),
    "run": Term("Kenmerk van de berekening.", "Identifier of the run."),
    "service": Term(
        "Dienst waarvan het bereik is berekend; leeg: de hele soort.",
        "Service whose coverage this is; empty: the whole kind.",
    ),
    "uncovered": Term("Bewoners zonder iets binnen de norm.", "Residents with nothing within the norm."),
    "unknown_residents": Term(
        "Bewoners van wie niet bekend is waar ze wonen.", "Residents of whom it is not known where they live."
    ),
    "volunteers": Term(
        "Vrijwilligers, in stappen van 5; leeg onder de 15.", "Volunteers, in steps of 5; empty below 15."
    ),
    "why": Term("Voornaamste reden, en om welke plekken het gaat.", "Main reason, and which assets it is about."),
    "worst_part": Term(
        "Deel van de week waarin het minst open is: 0 is maandagochtend, 20 zondagavond.",
        "Part of the week in which least is open: 0 is Monday morning, 20 Sunday evening.",
    ),
    "worst_part_share": Term(
        "Aandeel met iets open in dat deel van de week.", "Share with something open in that part of the week."
    ),
}
