"""The page on which administrators import: a shell without data, and the words that its scripts say."""

from functools import cache
from typing import Literal, NamedTuple

from geo.vocabulary import LEVELS
from maps.frame import Frame, render
from maps.reader import Reader

MEGABYTE = 1_000_000


class Choice(NamedTuple):
    """What a file can bring, and which forms of file that may be."""

    value: str
    label: str
    hint: str
    accept: str


class Option(NamedTuple):
    """One thing that may be told beside the file. `of` names, between spaces, for what; `kind` is how it is told."""

    name: str
    kind: Literal["number", "text", "checkbox", "select"]
    of: str
    label: str
    hint: str = ""
    choices: tuple[tuple[str, str], ...] = ()
    rare: bool = False


def imports_page(frame: Frame, most_bytes: int) -> str:
    """Give the page. `most_bytes` is the size of the largest file that is taken."""
    reader = frame.reader
    values = {
        "choices": choices(reader),
        "options": options(reader),
        "texts": import_texts(reader),
        "most_bytes": most_bytes,
        "most_megabytes": reader.number(most_bytes // MEGABYTE),
    }
    return render("imports.html", frame, values)


def choices(reader: Reader) -> list[Choice]:
    """Give what can be imported over the web, what a planner needs first coming first."""
    say = reader.say
    shapes = ".geojson,.json,.gpkg,.zip"
    tables = ".csv,.tsv,.txt,.xlsx"
    areas = say("Buurten, wijken or the municipality, such as those of CBS")
    return [
        Choice("boundaries", say("Boundaries"), areas, shapes),
        Choice("figures", say("Key figures"), say("Residents and households per neighbourhood"), f"{tables},{shapes}"),
        Choice("squares", say("100 m squares"), say("Where people live, from CBS"), f"{tables},{shapes}"),
        Choice("dwellings", say("Dwellings"), say("Where exactly people live, such as the BAG"), f"{tables},{shapes}"),
        Choice("network", say("Streets"), say("To walk along: OpenStreetMap, or a layer of lines"), f".pbf,{shapes}"),
        Choice("assets", say("Places and initiatives"), say("Your own spreadsheet or map layer"), f"{tables},{shapes}"),
        Choice("osm", "OpenStreetMap", say("Proposals that you go through afterwards"), ".pbf"),
    ]


def options(reader: Reader) -> list[Option]:
    """Give what may be told beside a file; all of it may be left out."""
    say = reader.say
    levels = tuple((key, LEVELS[key].label(reader.language)) for key in ("buurt", "wijk", "gemeente"))
    several = say("When the file has several")
    gone, own = say("Take off the map what is no longer in the file"), say("For files that are not of CBS")
    return [
        Option("level", "select", "boundaries", say("Level"), choices=levels),
        Option("year", "number", "boundaries figures squares", say("Year"), say("When the file does not say")),
        Option("gemeente", "text", "boundaries figures", say("Only this municipality"), say("Name or code")),
        Option("archive_missing", "checkbox", "assets osm", gone),
        Option(
            "layer", "text", "boundaries figures squares dwellings network assets", say("Layer"), several, rare=True
        ),
        Option("length_field", "text", "network", say("Column with the length"), say("In metres"), rare=True),
        Option("code_field", "text", "boundaries", say("Column with the code"), own, rare=True),
        Option("name_field", "text", "boundaries", say("Column with the name"), own, rare=True),
        Option("source", "text", "boundaries", say("Source"), own, rare=True),
        Option("licence", "text", "boundaries", say("Licence"), own, rare=True),
    ]


@cache
def import_texts(reader: Reader) -> dict[str, str]:
    """Give every text that the scripts of this page may show, by the name under which they know it."""
    return {**verdicts(reader), **states(reader), **refusals(reader), **sentences(reader), **parts(reader)}


def verdicts(reader: Reader) -> dict[str, str]:
    """Give the word for each fate of a row."""
    say = reader.say
    return {
        "verdict_new": say("new"),
        "verdict_changed": say("changed"),
        "verdict_unchanged": say("unchanged"),
        "verdict_refused": say("refused"),
        "verdict_doubtful": say("doubtful"),
        "verdict_skipped": say("skipped"),
        "verdict_missing": say("no longer in the file"),
        "verdict_archived": say("archived"),
        "verdict_duplicate": say("perhaps twice"),
    }


def states(reader: Reader) -> dict[str, str]:
    """Give the word for each state of an import, and for what it brings."""
    say = reader.say
    return {
        "status_checked": say("checked"),
        "status_refused": say("held back"),
        "status_done": say("imported"),
        "status_undone": say("undone"),
        "what_demo": say("Demo"),
        **{f"what_{choice.value}": choice.label for choice in choices(reader)},
    }


def refusals(reader: Reader) -> dict[str, str]:
    """Give what to say when the service refuses or does not answer, by its status; 0 is no answer at all."""
    say = reader.say
    return {
        "failed_0": say("The service does not answer. What you filled in is still here: try again in a moment."),
        "failed_400": say("This cannot be imported as it is."),
        "failed_401": say("This key is not valid: it is wrong, expired or revoked."),
        "failed_403": say("This key is not for administrators."),
        "failed_404": say("This import is no longer there."),
        "failed_409": say("This cannot be done now."),
        "failed_413": say("This file is too large."),
        "failed_503": say("The service cannot do this just now. Try again in a moment."),
        "failed_500": say("Something went wrong on our side. Nothing has been changed."),
    }


def sentences(reader: Reader) -> dict[str, str]:
    """Give the sentences of the scripts."""
    say = reader.say
    return {
        "no_file": say("Choose a file first."),
        "no_mapping": say("Choose the mapping as well: it tells what each column is."),
        "file_too_large": say("This file is larger than %(most)s MB. Import it with the command kaart import."),
        "busy_check": say("Checking the file. Nothing is written yet."),
        "busy_undo": say("Undoing the import."),
        "busy_import": say("Importing. Keep this tab open."),
        "seconds": say("%(count)s s"),
        "all_fits": say("Everything fits. Nothing has been written yet."),
        "same_already": say("All of it is there already: there is nothing to import."),
        "some_refused_one": say("1 row cannot go in. Nothing has been written."),
        "some_refused_many": say("%(count)s rows cannot go in. Nothing has been written."),
        "file_gone": say("The file is no longer kept. Choose it again to import it."),
        "kept_until": say("The file waits here until %(moment)s."),
        "was_done": say("Imported on %(moment)s by %(who)s."),
        "was_undone": say("Undone on %(moment)s by %(who)s."),
        "taken_back": say("Undone: %(removed)s removed, %(restored)s as before, %(kept)s changed since and kept."),
        "left_out_one": say("1 more line is not shown here."),
        "left_out_many": say("%(count)s more lines are not shown here."),
        "discarded": say("Discarded. Nothing has been written."),
        "undo_question": say("Undo the import of %(file)s?"),
        "decided": say("Saved."),
    }


def parts(reader: Reader) -> dict[str, str]:
    """Give the words of tables and buttons that the scripts make."""
    say = reader.say
    return {
        "row": say("Row"),
        "row_of": say("row %(row)s"),
        "verdict": say("Verdict"),
        "field": say("Field"),
        "value": say("Value"),
        "reason": say("Reason"),
        "all": say("all"),
        "when": say("When"),
        "what": say("What"),
        "file": say("File"),
        "who": say("Who"),
        "rows": say("Rows"),
        "status": say("Status"),
        "report": say("Report"),
        "report_of": say("Report of %(file)s"),
        "undo": say("Undo"),
        "undo_of": say("Undo %(file)s"),
        "none_of_these": say("None of these"),
        "choose_one": say("Choose one of these first."),
        "save": say("Save"),
        "more_doubts": say("%(count)s more after these"),
    }
