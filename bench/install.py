"""What the benchmarks need on a machine: Debian packages, npm packages, our own targets, programs out of packages."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BUILD = Path(os.environ.get("BENCH_BUILD", ROOT / "build" / "release"))  # ctest names its own
TOOLS = ROOT / "build" / "tools"
PYTHON = "/usr/lib/python3/dist-packages"  # of Debian's own python3


def apt():
    """The command, as root or through sudo."""
    root = [] if os.geteuid() == 0 else ["sudo"]
    if root and not shutil.which("sudo"):
        sys.exit("bench: packages are missing; run this as root, or install sudo")
    return [*root, "env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-q", "-o", "DPkg::Lock::Timeout=600"]


def is_there(what):
    """A command's name, or a file's path."""
    return Path(what).exists() if "/" in what else shutil.which(what) is not None


def need(packages):
    """Installs the Debian package of each command or file that is not there."""
    missing = [package for what, package in packages.items() if not is_there(what)]
    if not missing:
        return
    print("bench: installing", *missing, file=sys.stderr)
    subprocess.run([*apt(), "update"], check=True, stdout=sys.stderr)
    install = [*apt(), "install", "--yes", "--no-install-recommends", "--no-remove"]
    for package in missing:  # One by one: Debian 12's apt finds no way to install some of them together.
        subprocess.run([*install, package], check=True, stdout=sys.stderr)


def unpack(program, *packages):
    """Unpacks packages, and what they depend on and is not installed, without installing them: so no service of theirs ever
    starts. @returns the folder, in which `program` then is."""
    folder = TOOLS / packages[0]
    if (folder / program).exists():
        return folder
    archives = folder / "archives"
    (archives / "partial").mkdir(parents=True, exist_ok=True)
    print("bench: unpacking", *packages, "into", folder.relative_to(ROOT), file=sys.stderr)
    subprocess.run([*apt(), "update"], check=True, stdout=sys.stderr)
    download = ["install", "--yes", "--no-install-recommends", "--download-only", "-o", f"Dir::Cache::archives={archives}"]
    subprocess.run([*apt(), *download, *packages], check=True, stdout=sys.stderr)
    for archive in archives.glob("*.deb"):
        subprocess.run(["dpkg-deb", "--extract", archive, folder], check=True)
    if not (folder / program).exists():
        sys.exit(f"bench: {' '.join(packages)} brought no {program}; if installed, remove it for the benchmark")
    return folder


def matplotlib():
    """Python's matplotlib. On Debian 12 its package cannot stand beside the Boost that we build with (it asks for fonttools, that
    for scipy, pythran and Boost 1.74): there what it needs for SVG is installed, and it is unpacked only."""
    if is_there(f"{PYTHON}/matplotlib"):
        return
    if not is_there("/usr/share/doc/libboost1.81-dev"):
        return need({f"{PYTHON}/matplotlib": "python3-matplotlib"})
    need({f"{PYTHON}/{module}": f"python3-{module}" for module in ("numpy", "pyparsing", "packaging", "contourpy", "cycler", "kiwisolver")})
    need({f"{PYTHON}/PIL": "python3-pil", f"{PYTHON}/dateutil": "python3-dateutil", "/usr/share/matplotlib": "python-matplotlib-data"})
    need({f"/usr/lib/{os.uname().machine}-linux-gnu/libqhull_r.so.8.0": "libqhull-r8.0"})
    folder = TOOLS / "python3-matplotlib"
    if not folder.exists():
        folder.mkdir(parents=True)
        print("bench: unpacking python3-matplotlib into", folder.relative_to(ROOT), file=sys.stderr)
        subprocess.run([*apt(), "download", "python3-matplotlib"], cwd=folder, check=True, stdout=sys.stderr)
        for archive in folder.glob("*.deb"):
            subprocess.run(["dpkg-deb", "--extract", archive, folder], check=True)
    sys.path.append(f"{folder}{PYTHON}")


def npm(folder, package):
    """The npm package that a peer's folder names, in the version it names."""
    need({"node": "nodejs", "npm": "npm"})
    wanted = json.loads((folder / "package.json").read_text())["dependencies"][package]
    if npm_version(folder, package) != wanted:
        subprocess.run(["npm", "ci", "--no-audit", "--no-fund"], cwd=folder, check=True, stdout=sys.stderr)


def npm_version(folder, package):
    """Nothing when it is not installed."""
    installed = folder / "node_modules" / package / "package.json"
    return json.loads(installed.read_text())["version"] if installed.exists() else None


def build(*targets):
    """Builds targets of the release preset."""
    subprocess.run([ROOT / "scripts" / "setup", "run"], check=True)
    # Without the tests on a first build, whose libraries need not be here; a tree that has them keeps them.
    first = [] if (BUILD / "build.ninja").exists() else ["-DBECKON_TESTS=OFF"]
    quiet = {"cwd": ROOT, "check": True, "stdout": sys.stderr}
    subprocess.run(["cmake", "--preset", "release", "-DBECKON_BENCH=ON", *first], **quiet)
    subprocess.run(["cmake", "--build", "--preset", "release", "--target", *targets], **quiet)


def first_line(*command, **how):
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, check=True, **how)
    return (done.stdout or done.stderr).splitlines()[0]


def package_version(package):
    return first_line("dpkg-query", "--show", "--showformat=${Version}\n", package)
