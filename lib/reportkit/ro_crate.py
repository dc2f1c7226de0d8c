"""The manifest of a site as an RO-Crate, which other programs read: what is in it, made by what, of what.

See https://www.researchobject.org/ro-crate/specification/1.1/ .
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from reportkit import reports
from reportkit.source import Source

MANIFEST = "ro-crate-metadata.json"
FORMATS = {
    ".csv": "text/csv",
    ".html": "text/html",
    ".ipynb": "application/x-ipynb+json",
    ".json": "application/json",
    ".pdf": "application/pdf",
    ".xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    ".xml": "application/atom+xml",
}


def _refer(ids: Sequence[str]) -> list[dict]:
    return [{"@id": one} for one in ids]


def _file(folder: Path, name: str) -> dict:
    content = (folder / name).read_bytes()
    return {
        "@id": name,
        "@type": "File",
        "name": name,
        "encodingFormat": FORMATS.get(Path(name).suffix, "application/octet-stream"),
        "contentSize": str(len(content)),
        "sha256": hashlib.sha256(content).hexdigest(),
    }


def _data(content: Mapping) -> dict[tuple[str, str], dict]:
    """The files of the data that the pages of a scenario name, by name and hash: scenarios of two days may differ."""
    named = {file for notebook in content["notebooks"] for file in notebook["data"].items()}
    return {
        (file, sha256): {"@id": f"#data/{file}-{sha256[:12]}", "@type": "CreativeWork", "name": file, "sha256": sha256}
        for file, sha256 in sorted(named)
    }


def _code(source: Source, content: Mapping) -> dict:
    return {
        "@id": f"#{source.command}-{content['library'][:12]}",
        "@type": "SoftwareSourceCode",
        "name": source.suite.title,
        "version": source.version,
        "identifier": f"sha256:{content['library']}",
        "license": {"@id": source.suite.licence[0]},
        "programmingLanguage": "Python",
    }


def _run(source: Source, scenario: str, content: Mapping, files: Sequence[str]) -> dict:
    return {
        "@id": f"#run-{scenario}",
        "@type": "CreateAction",
        "name": f"Reports of the scenario {scenario}: {content['title']}",
        "instrument": {"@id": _code(source, content)["@id"]},
        "object": _refer([entry["@id"] for entry in _data(content).values()]),
        "result": _refer(files),
        "endTime": content["made_on"],
    }


def manifest(folder: Path, names: Sequence[str], record: Mapping[str, Mapping], source: Source) -> str:
    """The metadata file of a site: of its files, by path within its folder, and of the record of each scenario."""
    made_on = max(content["made_on"] for content in record.values())
    runs = [_run(source, scenario, content, reports.files(scenario, content)) for scenario, content in record.items()]
    data = {key: entry for content in record.values() for key, entry in _data(content).items()}
    code = {entry["@id"]: entry for entry in (_code(source, content) for content in record.values())}
    root = {
        "@id": "./",
        "@type": "Dataset",
        "name": f"{source.suite.title}: {source.suite.subtitle[:1].lower()}{source.suite.subtitle[1:]}",
        "description": f"Reports: {'; '.join(content['title'] for content in record.values())}. Every number resolves "
        "to rows of the data through the provenance file beside its page.",
        "datePublished": made_on,
        "license": {"@id": source.suite.licence[0]},
        "hasPart": _refer(names),
        "mentions": _refer([run["@id"] for run in runs]),
    }
    about = {
        "@id": MANIFEST,
        "@type": "CreativeWork",
        "conformsTo": {"@id": "https://w3id.org/ro/crate/1.1"},
        "about": {"@id": "./"},
    }
    address, name, holds_for = source.suite.licence
    licence = {"@id": address, "@type": "CreativeWork", "name": name, "description": holds_for}
    files = [_file(folder, name) for name in names]
    graph = [about, root, *files, *data.values(), *code.values(), *runs, licence]
    context = ["https://w3id.org/ro/crate/1.1/context", {"sha256": "https://w3id.org/ro/terms/workflow-run#sha256"}]
    return json.dumps({"@context": context, "@graph": graph}, indent=1, ensure_ascii=False) + "\n"
