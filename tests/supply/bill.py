"""A bill of materials for each function, target/sbom/<function>.cdx.json, in CycloneDX 1.6, checked against CycloneDX's own schema.

The same sources give the same file, byte by byte, but for the time: it has none.
"""

import json
import uuid
from pathlib import Path

from cyclonedx.factory.license import LicenseFactory
from cyclonedx.model import HashAlgorithm, HashType, Property
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.output.json import JsonV1Dot6
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from packageurl import PackageURL

from contents import ROOT, TARGET, Contents, Crate, compiler, named_in

FOLDER = ROOT / "target" / "sbom"


def write(contents: Contents) -> Path:
    """Writes one function's bill; where it is."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    path = FOLDER / f"{contents.function}.cdx.json"
    text = JsonV1Dot6(bill_of(contents)).output_as_string(indent=2)
    document = json.loads(text)
    # The library writes the moment; the same binary should have the same bill.
    document["metadata"].pop("timestamp", None)
    text = json.dumps(document, indent=2, sort_keys=True) + "\n"
    if problem := JsonStrictValidator(SchemaVersion.V1_6).validate_str(text):
        raise SystemExit(f"supply: {path.name} is no CycloneDX 1.6: {str(problem)[:500]}")
    path.write_text(text)
    return path


def bill_of(contents: Contents) -> Bom:
    components = {(crate.name, crate.version): component_of(crate) for crate in contents.crates}
    own = components[(contents.root.name, contents.root.version)]
    own.type = ComponentType.APPLICATION
    standard = standard_library()
    everything = sorted([*components.values(), standard], key=lambda each: str(each.bom_ref))
    bom = Bom(components=[each for each in everything if each is not own])
    bom.serial_number = uuid.uuid5(uuid.NAMESPACE_URL, json.dumps([str(each.purl) for each in everything]))
    bom.metadata.component = own
    bom.metadata.properties.add(Property(name="nightshift:target", value=TARGET))
    for key, component in components.items():
        used = [components[other] for other in sorted(contents.uses.get(key, ()))]
        bom.register_dependency(component, [*used, standard] if component is own else used)
    bom.register_dependency(standard, [])
    return bom


def component_of(crate: Crate) -> Component:
    purl = PackageURL(type="cargo", name=crate.name, version=crate.version)
    hashes = [HashType(alg=HashAlgorithm.SHA_256, content=crate.checksum)] if crate.checksum else []
    properties = [Property(name="cargo:features", value=",".join(crate.features))] if crate.features else []
    return Component(
        type=ComponentType.LIBRARY,
        name=crate.name,
        version=crate.version,
        purl=purl,
        bom_ref=purl.to_string(),
        hashes=hashes,
        licenses=[LicenseFactory().make_from_string(crate.licence)],
        properties=properties,
    )


def standard_library() -> Component:
    """Rust's own library, which cargo does not list."""
    purl = PackageURL(type="generic", name="rust-std", version=compiler())
    licence = LicenseFactory().make_from_string("MIT OR Apache-2.0")
    return Component(
        type=ComponentType.LIBRARY, name="rust-std", version=compiler(), purl=purl, bom_ref=purl.to_string(), licenses=[licence]
    )


def missing_from(contents: Contents) -> tuple[int, list[str]]:
    """How many crates the function's built binary names, and which of them the bill lacks. A binary that is not built names none."""
    listed = {(crate.name, crate.version) for crate in contents.crates}
    built = [ROOT / "target" / kind / contents.function for kind in ("release", "debug")]
    named = next((named_in(path) for path in built if path.exists()), set())
    return len(named), [f"{name} {version}" for name, version in sorted(named - listed)]
