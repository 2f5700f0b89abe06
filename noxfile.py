"""The checks that a change has to pass, as sessions: `nox -l` lists them, `nox -s asan` runs one, `.ci/run` runs all.

A session makes its own environment, and tests the wheel where the sources cannot be imported.  It needs gcc.  It also
needs the interpreter in its name, or in the first line of its description, on the PATH.  Arguments after `--` go to
pytest or to the script: `nox -s tests-3.14 -- tests/test_fork.py`, `nox -s forks-3.13t -- --forks 20000`.
"""

import shutil
import tempfile
from pathlib import Path

import nox
from filelock import FileLock  # nox needs virtualenv, which needs it

nox.needs_version = ">=2025.5"
nox.options.default_venv_backend = "virtualenv"
nox.options.sessions = ["lint", "types", "tests"]

ROOT = Path(__file__).parent
BUILT = ROOT / ".nox" / "built"
SOURCES = ["*.in", "*.md", "*.py", "*.toml", "fastcounter", "fastcounter/**/*.p*", "fastcounter/c/*.h"]
PROJECT = nox.project.load_toml(ROOT / "pyproject.toml")
EXTRAS = PROJECT["project"]["optional-dependencies"]
TESTED = PROJECT["tool"]["cibuildwheel"]["test-sources"]

# Code that Cython generates does not initialize a field that 3.15 has added to types.
WARNINGS = "-std=c11 -Wall -Wextra -Werror -Wno-missing-field-initializers"
ADDRESS = "-fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer"
THREAD = "-fsanitize=thread"


def build_once(session: nox.Session, folder: Path, since: float, *command: str, needs: str = "", **env: str) -> Path:
    """Return the one file that the command builds.  Build it again if that in the folder is older than `since`.

    Of several sessions that need it at once, one builds it, and the others wait.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with FileLock(folder / "lock"):
        for path in folder.glob("fastcounter-*"):
            if path.stat().st_mtime >= since:
                return path
        if needs:
            session.install(needs)
        with tempfile.TemporaryDirectory(dir=BUILT) as work:  # a build that is interrupted leaves nothing in the folder
            session.run(*command, work, env=env, external=True)
            (file,) = Path(work).iterdir()
            return file.replace(folder / file.name)


def sdist(session: nox.Session) -> Path:
    """Return the source distribution of the checkout."""
    since = max(path.stat().st_mtime for pattern in SOURCES for path in ROOT.glob(pattern))
    command = ["python", "-m", "build", "-q", "--sdist", str(ROOT), "--outdir"]
    return build_once(session, BUILT / "sdist", since, *command, needs="build")


def wheel(
    session: nox.Session,
    variant: str = "plain",
    flags: str = WARNINGS,
    python: str = "python",
    options: tuple[str, ...] = (),
    **env: str,
) -> Path:
    """Return the wheel of that source distribution for the session's interpreter, or for another one on the PATH."""
    source = sdist(session)
    ask = [python, "-c", "import sysconfig; print(sysconfig.get_config_var('SOABI'))"]
    abi = session.run(*ask, silent=True, external=True)
    command = [python, "-m", "pip", "wheel", "-q", "--no-deps", *options, str(source), "--wheel-dir"]
    # CPPFLAGS are added to the interpreter's own -O2 or -O3.  CFLAGS would replace them.
    env = {"CPPFLAGS": flags, **env}
    return build_once(session, BUILT / f"{str(abi).strip()}-{variant}", source.stat().st_mtime, *command, **env)


def environment(session: nox.Session, package: Path, *extras: str) -> None:
    """Install the package, and change to a folder that has its tests but not its sources."""
    session.install("--prefer-binary", f"{package}[{','.join(extras)}]" if extras else str(package))
    copy(session, TESTED)


def copy(session: nox.Session, names: list[str]) -> None:
    """Copy files and folders of the checkout to a folder beside the session's environment, and change to it."""
    folder = Path(session.virtualenv.location) / "copy"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    for path in (ROOT / name for name in names if (ROOT / name).exists()):
        if path.is_dir():
            shutil.copytree(path, folder / path.name, ignore=shutil.ignore_patterns("__pycache__", "*.c", "*.so"))
        else:
            shutil.copy(path, folder)
    session.chdir(folder)


# Marks of tests, which pyproject.toml explains: what depends on the version of Python, and what also on the build.
SHORT = "not bench and not example and not long"
BUILD = f"{SHORT} and not processes"


def pytest(session: nox.Session, marks: str, *options: str, **env: str) -> None:
    """Run the tests with these marks.  Arguments after `--` take the place of the marks, but the options stay."""
    session.run("python", "-m", "pytest", "-q", *options, *(session.posargs or ["-m", marks]), env=env)


def script(session: nox.Session, name: str, *args: str, **env: str) -> None:
    session.run("python", f"tests/scripts/{name}", *(session.posargs or args), env=env)


def preloaded(session: nox.Session, *libraries: str) -> str:
    """Return a value of LD_PRELOAD with which an interpreter that was built without sanitizers loads those of gcc."""
    paths = [session.run("gcc", f"-print-file-name={name}", external=True, silent=True) for name in libraries]
    return " ".join(str(path).strip() for path in paths)


@nox.session
def build(session: nox.Session) -> None:
    """Source distribution and wheel: reproducible, complete, and accepted by the index. They stay in dist/."""
    session.install(*EXTRAS["release"])
    again = Path(session.create_tmp()) / "again"
    sdist(session)  # now, since setuptools can make only one at a time in the checkout
    for folder in (ROOT / "dist", again):
        shutil.rmtree(folder, ignore_errors=True)
        session.run("python", "-m", "build", "-q", "--outdir", str(folder), env={"SOURCE_DATE_EPOCH": "1700000000"})
    session.run("diff", "-r", "dist", str(again), external=True)
    session.run("twine", "check", "--strict", *map(str, ROOT.glob("dist/*")))
    session.run("check-wheel-contents", *map(str, ROOT.glob("dist/*.whl")))


@nox.session
def lint(session: nox.Session) -> None:
    """Style of the Python, Cython and shell code; the workflows; the wheels of a release."""
    session.install(*EXTRAS["lint"])
    session.run("ruff", "check")
    session.run("ruff", "format", "--check")
    session.run("cython-lint", "fastcounter", "tests", "examples")
    session.run("bash", "-n", ".ci/run", external=True)
    session.run("actionlint")
    session.run("zizmor", "--offline", "--persona", "auditor", ".github")
    for platform in ["linux", "macos", "windows"]:
        session.run("cibuildwheel", "--print-build-identifiers", "--platform", platform)


@nox.session
def types(session: nox.Session) -> None:
    """Types by mypy and pyright, and the stubs against the compiled modules."""
    package = wheel(session)
    session.install(f"{package}[dev]")
    session.run("mypy")
    session.run("pyright")
    environment(session, package)
    script(session, "stubs.py")
    session.run("stubtest", "--allowlist", "tests/stubtest.allowlist", "fastcounter")


@nox.session(python=["3.10", "3.11", "3.12", "3.13", "3.13t", "3.14", "3.14t", "3.15"])
def tests(session: nox.Session) -> None:
    """The tests that can depend on the version of Python."""
    environment(session, wheel(session), "test")
    pytest(session, SHORT)


@nox.session(python=["3.11", "3.14", "3.14t"])
def long(session: nox.Session) -> None:
    """Long tests, and the examples with real libraries and servers. Needs Debian's `prometheus` and `redis-server`."""
    environment(session, wheel(session), "examples")
    pytest(session, "long or example", FASTCOUNTER_EXAMPLES="1")


@nox.session(python="3.11")
def coverage(session: nox.Session) -> None:
    """3.11: how many lines the tests cover; pyproject.toml says which lines they need not cover."""
    copy(session, [*TESTED, "fastcounter", "LICENSE"])
    session.install("coverage", "-e", ".[test]", env={"FASTCOUNTER_TRACE": "1"})
    chosen = session.posargs or ["-m", "not bench and not example and not threads and not untraceable"]
    session.run("coverage", "run", "-m", "pytest", "-q", *chosen, env={"COVERAGE_CORE": "ctrace"})
    session.run("coverage", "report", "--show-missing")


@nox.session
def manylinux(session: nox.Session) -> None:
    """The wheel for any Linux that has this C library or a newer one."""
    session.install(*EXTRAS["release"])
    package = wheel(session)
    command = ["auditwheel", "repair", str(package), "-w"]
    repaired = build_once(session, BUILT / "manylinux", package.stat().st_mtime, *command)
    environment(session, repaired, "test")
    pytest(session, "reentrant or compiler and not example")


@nox.session(python=["3.13", "3.14t"])
def portable(session: nox.Session) -> None:
    """The portable code, without CPython's internals, that future versions of CPython get."""
    environment(session, wheel(session, "portable", FASTCOUNTER_PORTABLE="1"), "test")
    pytest(session, BUILD, FASTCOUNTER_PORTABLE="1")


@nox.session(python="3.14")
def cython(session: nox.Session) -> None:
    """3.14: built by the oldest Cython that can, which distributions have."""
    session.install("cython==3.2.0", "setuptools>=77")
    package = wheel(session, "oldest-cython", options=("--no-build-isolation",))
    environment(session, package, "test")
    # fastcounter/c/cython_workarounds.h says why memory of closed interpreters leaks.
    pytest(session, f"{BUILD} and not growth")


@nox.session(python="3.12")
def clang(session: nox.Session) -> None:
    """3.12: built by clang."""
    environment(session, wheel(session, "clang", CC="clang", CXX="clang++"), "test")
    pytest(session, BUILD, CC="clang", CXX="clang++")


@nox.session(python="3.15")
def headers(session: nox.Session) -> None:
    """3.15: the free-threaded code compiles with its headers. There is no such interpreter here to run it."""
    wheel(session, "headers", f"{WARNINGS} -DPy_GIL_DISABLED")


@nox.session(python="3.15")
def jit(session: nox.Session) -> None:
    """3.15: the tests with CPython's JIT compiler switched on."""
    environment(session, wheel(session), "test")
    session.run("python", "-c", "import sys; assert sys._jit.is_enabled()", env={"PYTHON_JIT": "1"})
    pytest(session, BUILD, PYTHON_JIT="1")


@nox.session(python="python3.14d")
def references(session: nox.Session) -> None:
    """3.14d: the total reference count before and after each public call, on a debug build."""
    environment(session, wheel(session), "test")
    pytest(session, "leaks or reentrant")


@nox.session(python="3.14t")
def parallel(session: nox.Session) -> None:
    """3.14t: each test that can in four threads at once."""
    environment(session, wheel(session), "test")
    session.install("pytest-run-parallel")
    pytest(session, "reentrant", "--parallel-threads=4")


@nox.session(python="3.11")
def docs(session: nox.Session) -> None:
    """3.11: the site of the documentation, in docs/_build."""
    session.install(*EXTRAS["docs"], str(wheel(session)))
    session.run("sphinx-build", "-W", "--keep-going", "-q", "docs", "docs/_build", *session.posargs)


@nox.session
def schedules(session: nox.Session) -> None:
    """Every schedule of small programs with the free-threaded cell and the maps, and the mutations that they find."""
    session.run("python", "tests/schedules/run.py", *session.posargs)


@nox.session(python=["3.11", "3.13t", "3.14t"])
def stress(session: nox.Session) -> None:
    """Many threads on one counter: nothing is lost."""
    environment(session, wheel(session))
    script(session, "stress.py", "--seconds", "15")


@nox.session(python=["3.13t", "3.14", "3.14t"])
def forks(session: nox.Session) -> None:
    """Many forks while threads use a counter: no child hangs or miscounts."""
    environment(session, wheel(session))
    script(session, "forks.py", "--forks", "1000")


@nox.session(python=["3.11", "3.14t"])
def kills(session: nox.Session) -> None:
    """Processes that are killed while they add labels to memory that they share: nothing is lost, and no one waits."""
    environment(session, wheel(session))
    script(session, "shared_map.py", "kills", "500")


@nox.session(python="3.11")
def asan(session: nox.Session) -> None:
    """3.11: the tests under gcc's address and undefined behaviour sanitizers."""
    environment(session, wheel(session, "asan", ADDRESS), "test")
    env = {"ASAN_OPTIONS": "detect_leaks=0", "PYTHONMALLOC": "malloc"}
    env["LD_PRELOAD"] = preloaded(session, "libasan.so", "libubsan.so")
    pytest(session, f"{BUILD} and not compiler and not growth", **env)  # it delays the reuse of memory that is freed


@nox.session(python="python3.14tsan")
def tsan(session: nox.Session) -> None:
    """3.14t and the package under the thread sanitizer: a race that it must report, tests of threads, and stress."""
    # 3.14t builds and installs, since that takes minutes under the sanitizer.  In the session, that name is 3.14tsan.
    quick = str(shutil.which("python3.14t"))
    package = wheel(session, "tsan", THREAD, python=quick)
    (packages,) = Path(session.virtualenv.location).glob("lib/*/site-packages")
    install = [quick, "-m", "pip", "install", "-q", "--prefer-binary", "--upgrade", "--target", str(packages)]
    session.run(*install, str(package), "hypothesis", "pytest", external=True)
    copy(session, TESTED)
    env = {"TSAN_OPTIONS": "halt_on_error=1"}
    session.run("python", "tests/scripts/race.py", success_codes=[66], silent=True)
    # Memory grows, since the sanitizer records what threads do.  Without -s, pytest would keep the sanitizer's report,
    # and lose it when the process ends.
    pytest(session, "threads and not compiler and not growth and not stress", "-s", **env)
    script(session, "by_name.py", "--increments", "20000", **env)
    script(session, "stress.py", "--seconds", "20", **env)


@nox.session(python="3.11")
def leaks(session: nox.Session) -> None:
    """3.11: tests/scripts/memory.py under gcc's leak sanitizer, and a leak that it must report."""
    environment(session, wheel(session, "asan", ADDRESS))
    env = {"ASAN_OPTIONS": "detect_leaks=1:exitcode=23", "PYTHONMALLOC": "malloc"}
    env["LD_PRELOAD"] = preloaded(session, "libasan.so", "libubsan.so")
    leak = "import ctypes; ctypes.CDLL(None).malloc(1000)"
    session.run("python", "-c", leak, env=env, success_codes=[23], silent=True)
    script(session, "memory.py", **env)
