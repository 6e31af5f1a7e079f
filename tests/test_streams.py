"""Streams that are closed, full or broken, and locales that are not UTF-8: no command stumbles."""

import os
import subprocess
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from forecast.config.load import find_config, load_config
from forecast.errors import ConfigError
from forecast.streams import silence_warnings

FULL = pytest.mark.skipif(not Path("/dev/full").is_char_device(), reason="no full disk here")


def _shell(line: str, cwd: Path, **environment: str) -> CompletedProcess[str]:
    """A line of a shell, in which `$F` is the command."""
    return subprocess.run(
        ["/bin/sh", "-c", line.replace("$F", f"'{sys.executable}' -m forecast")],
        cwd=cwd,
        env=os.environ | environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )


@pytest.mark.parametrize("words", ["schema", "--version", "runs list"])
def test_a_closed_stdout_is_said(tmp_path: Path, words: str) -> None:
    """With 2, as a full one is: there is a command line that would do."""
    result = _shell(f"$F {words} >&-", tmp_path)
    assert result.stderr == "error: can not write to stdout: it is closed.\n"
    assert result.returncode == 2


def test_a_closed_stderr_holds_nothing_up(tmp_path: Path) -> None:
    """The result and the exit code are as ever, also where nothing at all is open."""
    result = _shell("$F schema 2>&-", tmp_path)
    assert (result.returncode, result.stdout[0]) == (0, "{")
    assert _shell("$F check --config no.yaml 2>&-", tmp_path).returncode == 3
    assert _shell("$F runs path <&- >&- 2>&-", tmp_path).returncode == 5


def test_a_closed_stdin_is_an_empty_table(run: Path) -> None:
    """The data are to be mended."""
    result = _shell("$F predict --input - <&-", run.parents[1])
    assert (result.returncode, result.stderr) == (4, "error: standard input is empty.\n")


@FULL
def test_help_that_can_not_be_written_is_no_bug(tmp_path: Path) -> None:
    """Nor is it one where the reader has seen enough."""
    result = _shell("$F --help >/dev/full", tmp_path)
    assert result.stderr == "error: can not write to stdout: No space left on device.\n"
    assert result.returncode == 2
    reader, writer = os.pipe()
    os.close(reader)
    words = [sys.executable, "-m", "forecast", "train", "--help"]
    helped = subprocess.run(words, stdout=writer, stderr=subprocess.PIPE)
    os.close(writer)
    assert (helped.returncode, helped.stderr) == (0, b"")


@FULL
def test_nobody_has_to_hear_an_error(tmp_path: Path) -> None:
    """Its exit code is the same."""
    assert _shell("$F check --config no.yaml 2>/dev/full", tmp_path).returncode == 3


def test_a_training_goes_on_where_its_talk_is_no_longer_heard(project: Path) -> None:
    """`2>&1 | head -1`: it ends well, and its run is kept."""
    quick = "--set training.epochs=1 --set 'model={kind: dlinear}'"
    line = f"($F train --config air.yaml {quick} --name kept 2>&1; echo $? >code)"
    assert _shell(f"{line} | head -1", project).stdout.startswith("loading ")
    assert (project / "code").read_text() == "0\n"
    assert (project / "runs" / "kept" / "model.onnx").exists()


def test_names_are_utf_8_whatever_the_locale(project: Path) -> None:
    """A config called `é.yaml` is found, and its name is printed as it is."""
    (project / "é.yaml").write_bytes((project / "air.yaml").read_bytes())
    result = _shell("$F check --config é.yaml", project, LC_ALL="C", PYTHONUTF8="0")
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout.startswith("config: é.yaml\n")


@pytest.mark.skipif(sys.platform != "linux", reason="names are bytes on Linux alone")
def test_a_config_whose_name_is_no_text_is_refused(project: Path) -> None:
    """A run could not keep it."""
    path = project / os.fsdecode(b"\xe9.yaml")
    path.write_bytes((project / "air.yaml").read_bytes())
    with pytest.raises(ConfigError, match=r"\ufffd\.yaml is not UTF-8\.\nRename"):
        load_config(path)


def test_a_config_that_is_not_there_is_not_its_own_suggestion(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither a folder of the name, nor one that is too long, is a config."""
    monkeypatch.chdir(tmp_path)
    Path("air.yaml").mkdir()
    with pytest.raises(ConfigError, match=r"init --example airline` makes one\.$"):
        find_config(Path("air.yaml"))
    with pytest.raises(ConfigError, match=r"there is no config file a{200}\.\.\., here"):
        find_config(Path("a" * 5000))


def test_warnings_of_libraries_are_for_those_who_ask(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """With `--verbose`, or as Python's own options say."""
    shown: Callable[..., None] = warnings.showwarning
    monkeypatch.setattr(warnings, "showwarning", shown)
    monkeypatch.setattr(sys, "warnoptions", [])
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        silence_warnings()
        warnings.warn("deep inside", UserWarning, stacklevel=1)
        assert capsys.readouterr().err == ""
    monkeypatch.setattr(sys, "warnoptions", ["default"])
    monkeypatch.setattr(warnings, "showwarning", shown)
    silence_warnings()
    assert warnings.showwarning is shown
