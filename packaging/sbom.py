"""What the binary is made of, as CycloneDX 1.5: every package that is linked into it, with its licence and checksum.

    cargo metadata --locked --format-version 1 --filter-platform TARGET >metadata.json
    python3 packaging/sbom.py metadata.json Cargo.lock

What only builds or tests it is left out. The same input gives the same bytes.
"""

import json
import sys
import tomllib


def linked(metadata):
    """The ids of the packages that are reached from ours by normal dependencies."""
    nodes = {node["id"]: node for node in metadata["resolve"]["nodes"]}
    waiting, found = [metadata["resolve"]["root"]], set()
    while waiting:
        current = waiting.pop()
        if current in found:
            continue
        found.add(current)
        for dependency in nodes[current]["deps"]:
            if any(kind["kind"] is None for kind in dependency["dep_kinds"]):
                waiting.append(dependency["pkg"])
    return found, nodes


def main():
    metadata_path, lock_path = sys.argv[1:]
    with open(metadata_path, encoding="utf-8") as file:
        metadata = json.load(file)
    with open(lock_path, "rb") as file:
        lock = tomllib.load(file)
    checksums = {(one["name"], one["version"]): one.get("checksum") for one in lock["package"]}
    packages = {package["id"]: package for package in metadata["packages"]}
    found, nodes = linked(metadata)

    def purl(package):
        return f"pkg:cargo/{package['name']}@{package['version']}"

    def component(package, kind):
        shown = {
            "type": kind,
            "bom-ref": purl(package),
            "name": package["name"],
            "version": package["version"],
            "purl": purl(package),
        }
        if package.get("license"):
            shown["licenses"] = [{"expression": package["license"].replace("/", " OR ")}]
        checksum = checksums.get((package["name"], package["version"]))
        if checksum:
            shown["hashes"] = [{"alg": "SHA-256", "content": checksum}]
        return shown

    root = packages[metadata["resolve"]["root"]]
    others = sorted((packages[one] for one in found if one != root["id"]), key=purl)
    every = sorted((packages[one] for one in found), key=purl)
    inside = lambda package: sorted(
        {purl(packages[one["pkg"]]) for one in nodes[package["id"]]["deps"] if one["pkg"] in found}
    )
    document = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "version": 1,
        "metadata": {"component": component(root, "application")},
        "components": [component(package, "library") for package in others],
        "dependencies": [{"ref": purl(package), "dependsOn": inside(package)} for package in every],
    }
    json.dump(document, sys.stdout, indent=1)
    print()


main()
