"""Without a browser the browser tests are skipped with a reason; in CI that is a failure."""

from __future__ import annotations

import pytest

from tests.ui.browsing import find_chromium


@pytest.fixture
def no_chromium(monkeypatch: pytest.MonkeyPatch, tmp_path: object) -> None:
    """Take every program away, apt-get too."""
    monkeypatch.setenv("PATH", str(tmp_path))


def test_a_missing_browser_is_a_skip_that_says_what_to_install(
    no_chromium: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CI", raising=False)
    with pytest.raises(pytest.skip.Exception, match="apt-get install chromium"):
        find_chromium()


def test_a_missing_browser_fails_in_ci(no_chromium: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CI", "true")
    with pytest.raises(pytest.fail.Exception, match="apt-get install chromium"):
        find_chromium()
