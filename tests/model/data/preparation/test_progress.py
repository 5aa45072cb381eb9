"""What a user sees of the work: lines now and then where there is no terminal."""

from __future__ import annotations

from model.data.preparation import progress


def test_without_a_terminal_lines_tell_rate_and_time_left(monkeypatch, capsys):
    # It began at 0 s; ten images were done before, and each takes two seconds now.
    moments = iter([0.0, 2.0, 4.0])
    monkeypatch.setattr(progress.time, "monotonic", lambda: next(moments))
    monkeypatch.setattr(progress, "_SECONDS_BETWEEN_LINES", 3)
    with progress.Progress(20, done=10) as told:
        told.step()
        told.step()
    assert capsys.readouterr().out == "12 of 20 images, 0.5 a second, 16 s to go\n"
