"""Flags that argparse alone would let pass."""

from __future__ import annotations

import pytest

from model import __main__


@pytest.mark.parametrize("verb", ["explore", "calibrate", "evaluate", "export"])
def test_a_second_data_set_is_refused_where_one_is_read(verb, capsys):
    with pytest.raises(SystemExit) as stopped:
        __main__.main([verb, "--data", "here", "--data", "there"])
    assert stopped.value.code == 2
    assert (
        "received --data twice: 'here' and 'there'. Expected one: only train takes several." in capsys.readouterr().err
    )
