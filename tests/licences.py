#!/usr/bin/env python3
"""Checks the dependencies offline: every licence is one of those allowed, every crate comes from the registry, and no
version is one of those with an advisory known when this list was last looked at."""
import json
import re
import subprocess
import sys

ALLOWED = {
    "MIT", "MIT-0", "Apache-2.0", "Apache-2.0 WITH LLVM-exception", "BSD-2-Clause", "BSD-3-Clause", "ISC", "Zlib",
    "Unicode-3.0", "Unicode-DFS-2016", "CC0-1.0", "BSL-1.0", "MPL-2.0", "0BSD", "Unlicense", "CDLA-Permissive-2.0",
    "WTFPL",
}
# crate → why it must not be used
ADVISORIES = {
    "rustls-pemfile": "unmaintained (RUSTSEC-2025-0134)",
    "paste": "unmaintained (RUSTSEC-2024-0436)",
    "ansi_term": "unmaintained (RUSTSEC-2021-0139)",
    "atty": "unmaintained (RUSTSEC-2024-0375)",
    "instant": "unmaintained (RUSTSEC-2024-0384)",
    "yaml-rust": "unmaintained (RUSTSEC-2024-0320)",
}


def allowed(expression: str) -> bool:
    """An SPDX expression is allowed if one of its alternatives is, all of its parts together."""
    expression = expression.replace("/", " OR ")
    alternatives = re.split(r"\s+OR\s+", expression.replace("(", "").replace(")", ""))
    return any(all(part.strip() in ALLOWED for part in re.split(r"\s+AND\s+", a)) for a in alternatives)


def main() -> int:
    command = ["cargo", "metadata", "--format-version", "1", "--locked", "--filter-platform", "x86_64-unknown-linux-gnu"]
    packages = json.loads(subprocess.check_output(command))["packages"]
    faults = []
    for package in packages:
        name, version = package["name"], package["version"]
        if package["source"] is None:
            continue
        if not package["source"].startswith("registry+"):
            faults.append(f"{name} {version} comes from {package['source']}")
        licence = package["license"] or ""
        if not allowed(licence):
            faults.append(f"{name} {version} has the licence {licence or 'none'}")
        if name in ADVISORIES:
            faults.append(f"{name} {version}: {ADVISORIES[name]}")
    print("\n".join(faults) or f"{len(packages)} packages, licences and advisories as they should be")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
